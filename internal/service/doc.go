// Package service makes the supervisor a service of the machine: it renders the
// unit or the init script, verifies it, puts it in place and takes it away again.
// What it does with the init system it does through kardianos/service; the text
// is ours (init/systemd, init/sysv). It knows nothing of running pools.
package service
