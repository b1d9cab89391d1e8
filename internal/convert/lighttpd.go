package convert

import (
	"fmt"
	"net"
	"strings"
)

// lighttpd reads the entries of fastcgi.server that have a bin-path: those are
// started by lighttpd. The others are somebody else's already
// (https://redmine.lighttpd.net/projects/lighttpd/wiki/Mod_fastcgi).
func lighttpd(s *source, path string) ([]*pool, error) {
	var found []lighttpdAssignment
	if err := readLighttpd(s, path, map[string]lighttpdValue{}, &found); err != nil {
		return nil, err
	}
	user, group := "", ""
	for _, a := range found {
		switch a.key {
		case "server.username":
			user = a.value.text
		case "server.groupname":
			group = a.value.text
		}
	}
	var pools []*pool
	for _, a := range found {
		if a.key != "fastcgi.server" {
			continue
		}
		for _, extension := range a.value.items {
			for _, host := range extension.value.items {
				p := lighttpdHost(host, fmt.Sprintf("fastcgi.server %q in %s:%d", extension.key, a.file, a.line))
				if user != "" && p.fault == nil {
					p.setUser(user, group)
				}
				pools = append(pools, p)
			}
		}
	}
	return pools, nil
}

func (p *pool) setUser(user, group string) {
	p.set("user", user, "server.username = "+user, "")
	if group != "" {
		p.set("group", group, "server.groupname = "+group, "")
	}
}

// lighttpdGone are options that concern the web server only, or have no
// counterpart.
var lighttpdGone = map[string]string{
	"min-procs": "all workers start at once", "max-load-per-proc": "all workers start at once", "idle-timeout": "idle workers stay",
	"chroot": "there is no chroot; let a unit file say RootDirectory=",
}

// lighttpdStays are options that stay in lighttpd's configuration.
var lighttpdStays = map[string]bool{
	"check-local": true, "fix-root-scriptname": true, "broken-scriptfilename": true, "docroot": true, "mode": true, "strip-request-uri": true,
	"x-sendfile": true, "x-sendfile-docroot": true, "allow-x-send-file": true, "disable-time": true, "connect-timeout": true, "read-timeout": true,
	"write-timeout": true, "tcp-fin-propagate": true, "upgrade": true,
}

func lighttpdHost(host lighttpdItem, origin string) *pool {
	p := &pool{name: host.key, origin: origin}
	options := host.value
	if _, local := options.at("bin-path"); !local {
		p.fault = fmt.Errorf("lighttpd only connects to it, and somebody else starts it")
		return p
	}
	for _, o := range options.items {
		written := fmt.Sprintf("%q => %s", o.key, shown(o.value))
		if o.value.unknown != "" {
			if o.key == "bin-path" || o.key == "socket" || o.key == "host" || o.key == "port" {
				p.fault = fmt.Errorf("%q has %s in it; write it out", o.key, o.value.unknown)
				return p
			}
			p.drop(written, "it has "+o.value.unknown+" in it")
			continue
		}
		p.lighttpdOption(o, written)
	}
	p.lighttpdAddress(options)
	if _, listed := options.at("bin-copy-environment"); !listed {
		p.drop("lighttpd's whole environment", "workers start with a clean one; name what they need in inherit_environment")
	}
	if _, given := options.at("max-procs"); !given {
		p.set("processes", 4, "", "theirs without max-procs; ours would be 5")
	}
	p.keep("one socket for each process", "all workers share one, so lighttpd's part is: the same entry with that socket and without bin-path")
	return p
}

func (p *pool) lighttpdOption(o lighttpdItem, written string) {
	switch {
	case lighttpdGone[o.key] != "":
		p.drop(written, lighttpdGone[o.key])
		return
	case lighttpdStays[o.key]:
		p.keep(written, "it stays in lighttpd's configuration")
		return
	}
	switch o.key {
	case "bin-path":
		argv, err := words(o.value.text)
		if err != nil {
			p.fault = fmt.Errorf("%s: %w", written, err)
			return
		}
		p.set("command", argv, written, "")
	case "socket", "host", "port":
	case "max-procs":
		p.count("processes", o.value.text, written)
	case "bin-environment":
		for _, variable := range o.value.items {
			theirs := fmt.Sprintf("bin-environment: %q => %q", variable.key, variable.value.text)
			if variable.value.unknown != "" {
				p.drop(theirs, "it has "+variable.value.unknown+" in it")
				continue
			}
			p.env(variable.key, variable.value.text, theirs)
		}
	case "bin-copy-environment":
		for _, name := range o.value.items {
			switch name.value.text {
			case "PATH", "SHELL", "USER", "HOME", "LANG", "TZ", "LOGNAME":
				p.keep("bin-copy-environment: "+name.value.text, "workers have that of their user")
			default:
				p.inherit(name.value.text, "bin-copy-environment: "+name.value.text)
			}
		}
	case "kill-signal":
		p.set("stop_signal", signalName(o.value.text), written, "it is repeated until the worker ends, and SIGKILL follows")
	case "listen-backlog":
		p.count("listen_backlog", o.value.text, written)
	default:
		p.drop(written, "unknown")
	}
}

func (p *pool) lighttpdAddress(options lighttpdValue) {
	socket, _ := options.at("socket")
	host, _ := options.at("host")
	port, _ := options.at("port")
	switch {
	case socket.text != "":
		p.set("listen", "unix:"+socket.text, fmt.Sprintf("%q => %q", "socket", socket.text), "theirs had a number behind it for each process")
	case port.text != "":
		address := host.text
		if address == "" {
			address = "127.0.0.1"
		}
		p.set("listen", "tcp:"+net.JoinHostPort(strings.Trim(address, "[]"), port.text), fmt.Sprintf("%q => %q, %q => %s", "host", host.text, "port", port.text),
			"theirs counted the port up for each process")
	}
}

// shown is a value as it was written, more or less.
func shown(v lighttpdValue) string {
	switch {
	case v.array:
		return fmt.Sprintf("( %d entries )", len(v.items))
	case v.unknown != "":
		return v.unknown
	}
	if _, is := number(v.text); is {
		return v.text
	}
	return fmt.Sprintf("%q", v.text)
}
