package service

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"fcgi-supervisor/init/systemd"
	"fcgi-supervisor/init/sysv"
	"fcgi-supervisor/internal/listen"
)

// File is one file of an installation.
type File struct {
	Path string
	Text string
	Mode uint32
}

// notifyReload is the first systemd that has Type=notify-reload.
const notifyReload = 253

// origin is the first line of what we write.
func (o Options) origin() string {
	if o.packaged {
		return "From the package " + Name + " " + o.Version
	}
	return "Written by fcgi-supervisor " + o.Version + "; fcgi-supervisor uninstall removes it."
}

// units are the finished unit files for a systemd of that version; the service is
// the last of them.
func (o Options) units(folder string, version int) ([]File, error) {
	var files []File
	var sockets []string
	for _, s := range o.Sockets {
		name := Name + "-" + s.Pool + ".socket"
		text, err := fill(name, systemd.Socket, map[string]any{
			"Origin": o.origin(), "Pool": s.Pool, "Address": inUnitValue(s.stream()), "Service": Name + ".service",
			"Path": s.Address.Kind == listen.Unix, "Owner": s.Owner, "Group": s.Group, "UserService": o.UserService,
		})
		if err != nil {
			return nil, err
		}
		sockets = append(sockets, name)
		files = append(files, File{filepath.Join(folder, name), text, 0o644})
	}
	text, err := fill(Name+".service", systemd.Service, map[string]any{
		"Origin": o.origin(), "Name": Name, "Program": inUnitProgram(o.Program), "Config": inUnit(o.Config),
		"NotifyReload": version >= notifyReload, "User": o.User, "UserService": o.UserService, "Sockets": sockets,
	})
	if err != nil {
		return nil, err
	}
	return append(files, File{filepath.Join(folder, Name+".service"), text, 0o644}), nil
}

// stream is the address as ListenStream= has it (systemd.socket(5)).
func (s Socket) stream() string {
	switch a := s.Address; a.Kind {
	case listen.Unix:
		return a.Path
	case listen.Abstract:
		return "@" + a.Path
	default:
		host := a.Host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return host + ":" + strconv.Itoa(a.Port)
	}
}

// script is the finished init script and what belongs to it.
func (o Options) script(path string) ([]File, error) {
	text, err := fill(Name, sysv.Script, map[string]any{
		"Origin": o.origin(), "Name": Name, "Program": inShell(o.Program), "Config": inShell(o.Config),
	})
	if err != nil {
		return nil, err
	}
	return []File{
		{"/etc/logrotate.d/" + Name, sysv.Logrotate, 0o644},
		{"/etc/default/" + Name, sysv.Defaults, 0o644},
		{path, text, 0o755},
	}, nil
}

// fill fills in a template. What comes of it must not look like a template of
// kardianos/service.
func fill(name, text string, data map[string]any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("read the template of %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", fmt.Errorf("fill in %s: %w", name, err)
	}
	if strings.Contains(out.String(), "{{") {
		return "", fmt.Errorf("fill in %s: {{ cannot stand in it; try: a path without two braces", name)
	}
	return out.String(), nil
}

// PackageFiles are the unit and the init script for a package, which has the
// program in /usr/bin and serves every version of systemd.
func PackageFiles(version string) ([]File, error) {
	o := Options{Program: "/usr/bin/" + Name, Config: "/etc/" + Name + "/" + Name + ".toml", Version: version, packaged: true}
	units, err := o.units("", 0)
	if err != nil {
		return nil, err
	}
	script, err := o.script(Name + ".init")
	if err != nil {
		return nil, err
	}
	script[0].Path, script[1].Path = Name+".logrotate", Name+".default"
	return append(units, script...), nil
}
