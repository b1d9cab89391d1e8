// Package sysv holds the text of our init script; internal/service fills it in.
// It is a package because go:embed reads below its own folder only.
package sysv

import _ "embed"

var (
	// Script is the template of the init script (text/template).
	//go:embed fcgi-supervisor.init.tmpl
	Script string
	// Logrotate is what logrotate(8) is told about the log that the script makes.
	//go:embed fcgi-supervisor.logrotate
	Logrotate string
	// Defaults is /etc/default/fcgi-supervisor, all of it commented out.
	//go:embed fcgi-supervisor.default
	Defaults string
)
