// Package systemd holds the text of our systemd units; internal/service fills it
// in. It is a package because go:embed reads below its own folder only.
package systemd

import _ "embed"

// Service is the template of the service unit, Socket that of a pool's socket
// unit (text/template).
var (
	//go:embed fcgi-supervisor.service.tmpl
	Service string
	//go:embed fcgi-supervisor-pool.socket.tmpl
	Socket string
)
