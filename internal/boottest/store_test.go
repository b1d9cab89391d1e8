package boottest

// What systemd keeps when supervisor and workers are gone at once. Not covered: a
// machine whose systemd is executed anew meanwhile.

import (
	"fmt"
	"strings"
)

// gate holds every start of the service up until /run/gate is there.
const gate = "mkdir -p " + dropIns + " && printf '[Service]\nExecStartPre=/bin/sh -c \"until test -e /run/gate; do sleep 0.1; done\"\n' >" +
	dropIns + "/gate.conf && systemctl daemon-reload"

// stored is how many descriptors systemd keeps for the service.
func stored(m *machine) string { m.t.Helper(); return property(m, "NFileDescriptorStore") }

// keepsOne: that of the old generation is let go.
func keepsOne(m *machine) {
	m.t.Helper()
	eventually(m.t, func() error {
		if n := stored(m); n != "1" {
			return fmt.Errorf("systemd keeps %s descriptors for one pool", n)
		}
		return nil
	})
}

// keepsSockets: clients that come while nobody lives who could serve them wait.
func keepsSockets(m *machine) {
	m.run("systemctl", "reload", "fcgi-supervisor") // the name has been moved to another socket
	settledWorkers(m)
	keepsOne(m)
	m.sh(gate)
	for _, next := range []string{"", "systemctl restart --no-block fcgi-supervisor"} {
		before := generation(m)
		m.run("systemctl", "kill", "--kill-who=all", "--signal=KILL", "fcgi-supervisor")
		eventually(m.t, func() error {
			if now := workers(m); now != "" {
				return fmt.Errorf("workers live still:\n%s", now)
			}
			return nil
		})
		m.sh(next)
		const clients = 8
		answers := make(chan error, clients)
		w := m.web()
		for range clients {
			go func() { // ends with the request, which has a timeout
				_, err := w.ask("/")
				answers <- err
			}()
		}
		eventually(m.t, func() error { // connected, and accepted by nobody: the state "connecting" of proc(5)'s net/unix
			if queue := strings.TrimSpace(m.sh("awk '$6 == \"02\" && /php.sock/' /proc/net/unix | wc -l")); queue != fmt.Sprint(clients) {
				return fmt.Errorf("%q clients wait, want %d", queue, clients)
			}
			return nil
		})
		if now := workers(m); now != "" {
			m.t.Errorf("workers were started already:\n%s", now)
		}
		m.sh("touch /run/gate")
		for range clients {
			if err := <-answers; err != nil {
				m.t.Errorf("a client that waited: %v%s", err, m.logs())
			}
		}
		eventually(m.t, func() error {
			if state := property(m, "SubState"); state != "running" {
				return fmt.Errorf("the unit is %s", state)
			}
			return nil
		})
		settledWorkers(m)
		if now := generation(m); next == "" && now != before {
			m.t.Errorf("the generation was %s and is %s", before, now)
		}
		m.sh("rm /run/gate")
	}
	m.sh("rm -r " + dropIns + " && systemctl daemon-reload")
	m.run("systemctl", "stop", "fcgi-supervisor")
	if n := stored(m); n != "0" {
		m.t.Errorf("systemd keeps %s descriptors of a service that was stopped", n)
	}
	m.run("systemctl", "start", "fcgi-supervisor")
	m.answers("/")
}

// swapsOnTCP: there is room for two sockets at a TCP address, and systemd has those
// that it keeps open for a moment longer than anybody else.
func swapsOnTCP(m *machine) {
	m.write("/etc/fcgi-supervisor/conf.d/tcp.toml",
		"[pool.tcp]\ncommand = [\"/usr/bin/php-cgi\"]\nlisten = \"tcp:127.0.0.1:9000\"\nuser = \"www-data\"\nprocesses = 2\n")
	m.run("fcgi-supervisor", "reload", "--all")
	l := m.load("/tcp")
	for range 5 {
		m.run("fcgi-supervisor", "reload", "tcp")
	}
	l.verdict()
	if journal := m.run("journalctl", "--no-pager", "-u", "fcgi-supervisor"); strings.Contains(journal, "no room") {
		m.t.Errorf("a socket that systemd was to let go is in the way:\n%s", tail(journal, 3000))
	}
	m.run("systemctl", "kill", "--kill-who=all", "--signal=KILL", "fcgi-supervisor")
	m.answers("/tcp") // waits for whoever is started next
	m.run("fcgi-supervisor", "reload", "tcp")
	m.answers("/tcp")
	m.run("rm", "/etc/fcgi-supervisor/conf.d/tcp.toml")
	m.run("fcgi-supervisor", "reload", "--all")
	settledWorkers(m)
	keepsOne(m)
}
