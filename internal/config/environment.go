package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// nameFault says why a variable may not be called so; empty if it may.
func nameFault(name string) string {
	switch {
	case name == "":
		return "a variable without a name"
	case strings.ContainsAny(name, "=\x00\n"):
		return fmt.Sprintf("bad variable name %q: it may not contain '=', a newline or a NUL byte", name)
	}
	return ""
}

// valueFault says why a variable may not have this value; empty if it may.
func valueFault(value string) string {
	if strings.ContainsAny(value, "\x00\n") {
		return fmt.Sprintf("bad value %q: it may not contain a newline or a NUL byte", value)
	}
	return ""
}

// private says that a variable speaks to the supervisor alone: a worker that
// saw NOTIFY_SOCKET or LISTEN_FDS would take it for its own (sd_notify(3),
// sd_listen_fds(3)), and FCGI_WEB_SERVER_ADDRS makes libfcgi refuse clients.
func private(name string) bool {
	return name == "NOTIFY_SOCKET" || name == "FCGI_WEB_SERVER_ADDRS" ||
		strings.HasPrefix(name, "LISTEN_") || strings.HasPrefix(name, "WATCHDOG_")
}

// Environment is what the workers of p start with, sorted, as NAME=VALUE.
// inherited looks up the supervisor's variables (os.LookupEnv). An unreadable
// environment_file is an error.
func Environment(p Pool, home, shell, userName string, inherited func(string) (string, bool)) ([]string, error) {
	values := map[string]string{
		"PATH": DefaultPath, "LANG": "C.UTF-8",
		"HOME": home, "SHELL": shell, "USER": userName, "LOGNAME": userName,
	}
	for _, name := range slices.Concat([]string{"LANG", "TZ"}, p.InheritEnvironment) {
		if value, set := inherited(name); set && !private(name) {
			values[name] = value
		}
	}
	if p.EnvironmentFile != "" {
		data, err := os.ReadFile(p.EnvironmentFile)
		if err != nil {
			return nil, fmt.Errorf("read environment_file %s: %v", p.EnvironmentFile, reason(err))
		}
		read, err := parseEnvironmentFile(p.EnvironmentFile, string(data))
		if err != nil {
			return nil, err
		}
		maps.Copy(values, read)
	}
	maps.Copy(values, p.Environment)
	list := make([]string, 0, len(values))
	for name, value := range values {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list, nil
}

// pathIn is the PATH of an environment.
func pathIn(environment []string) string {
	for _, variable := range environment {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			return path
		}
	}
	return DefaultPath
}
