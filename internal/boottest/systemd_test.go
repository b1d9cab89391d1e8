package boottest

// A machine with systemd. Not covered: limits of units, which are not enforced here
// (.ci/boot-test).

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	unit     = "/etc/systemd/system/fcgi-supervisor.service"
	poolFile = "/etc/fcgi-supervisor/conf.d/php.toml"
)

func TestSystemd(t *testing.T) {
	t.Parallel()
	lifeUnderSystemd(newMachine(t, systemd), "notify")
}

// TestNewerSystemd has Type=notify-reload, which Debian 12 has not (systemd 253).
func TestNewerSystemd(t *testing.T) {
	if !*acceptance {
		t.Skip("left out: another Debian has to be fetched; try: make acceptance")
	}
	t.Parallel()
	lifeUnderSystemd(newMachine(t, systemd, "BOOT_TEST_SUITE=trixie"), "notify-reload")
}

// lifeUnderSystemd wants the unit to be of that Type=.
func lifeUnderSystemd(m *machine, kind string) {
	m.boot()
	m.step("install", func(t *testing.T) {
		installs(m)
		if got := property(m, "Type"); got != kind {
			t.Errorf("Type=%s, want %s; this is %s", got, kind, m.run("systemctl", "--version"))
		}
	})
	m.step("reboot", func(t *testing.T) { m.reboot(); m.answers("/") })
	m.step("power cut", func(t *testing.T) { m.crash(); m.answers("/") })
	m.step("reload under load", func(t *testing.T) { reloads(m) })
	m.step("kill -9", func(t *testing.T) { outlives(m, "kill", "-KILL") })
	m.step("watchdog", func(t *testing.T) {
		// A process that is stopped is the only hung one that needs no help from us.
		m.sh(watchdogOfASecond)
		m.run("systemctl", "restart", "fcgi-supervisor")
		outlives(m, "kill", "-STOP")
		m.contains(m.run("journalctl", "-u", "fcgi-supervisor", "--no-pager"), "Watchdog timeout")
		m.sh("rm -r " + dropIns + " && systemctl daemon-reload && systemctl restart fcgi-supervisor")
	})
	m.step("killed worker", func(t *testing.T) { replaces(m) })
	m.step("descriptor store", func(t *testing.T) { keepsSockets(m) })
	m.step("descriptor store, TCP", func(t *testing.T) { swapsOnTCP(m) })
	m.step("upgrade", func(t *testing.T) { upgrades(m) })
	m.step("reload with a mistake", func(t *testing.T) { reloadsWithMistake(m) })
	m.step("restart with a mistake", func(t *testing.T) { restartsWithMistake(m) })
	m.step("wrong configuration", func(t *testing.T) { startsWithMistake(m) })
	m.step("restart under load", func(t *testing.T) { restarts(m, "systemctl", "restart", "fcgi-supervisor") })
	m.step("stop", func(t *testing.T) { stops(m) })
	m.step("leftovers", func(t *testing.T) { endsLeftovers(m) })
	m.step("socket unit", func(t *testing.T) { activates(m) })
	m.step("user service", func(t *testing.T) { ownService(m) })
	m.step("single user", func(t *testing.T) { singleUser(m) })
	m.step("uninstall", func(t *testing.T) { uninstalls(m) })
	m.step("bad input", func(t *testing.T) { badInput(m) })
}

// installs does what the README promises, with one command.
func installs(m *machine) {
	text := m.run("fcgi-supervisor", "install", "--now", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi")
	m.contains(text, "wrote "+unit, "wrote "+poolFile, "started", "unix:/run/fcgi-supervisor/php.sock")
	m.run("systemctl", "reload", "nginx")
	eventually(m.t, func() error { _, err := m.web().ask("/"); return err }) // nginx takes its configuration when it likes
	settledWorkers(m)                                                        // systemctl waits for the first
	eventually(m.t, func() error {
		if status := property(m, "StatusText"); status != "php: 5 of 5 workers ready" {
			return fmt.Errorf("systemctl status says %q", status)
		}
		return nil
	})
	again := m.run("fcgi-supervisor", "install", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi")
	if strings.Contains(again, "wrote") {
		m.t.Errorf("a second install writes:\n%s", again)
	}
	m.contains(m.run("fcgi-supervisor", "install", "--print"), strings.TrimSpace(m.run("cat", unit)))
}

// generation is what the status says of the pool.
func generation(m *machine) string {
	m.t.Helper()
	fields := strings.Fields(strings.Split(m.run("fcgi-supervisor", "status"), "\n")[1])
	return fields[5]
}

func reloads(m *machine) {
	before, l := generation(m), m.load("/")
	m.run("systemctl", "reload", "fcgi-supervisor")
	if now := generation(m); now == before {
		m.t.Errorf("systemctl reload has returned, and the generation is %s still", now)
	}
	l.verdict()
}

// Settings of a test stand in a drop-in, as an administrator's do.
const (
	dropIns           = "/etc/systemd/system/fcgi-supervisor.service.d"
	watchdogOfASecond = "mkdir -p " + dropIns + " && printf '[Service]\nWatchdogSec=1\n' >" + dropIns + "/test.conf && systemctl daemon-reload"
)

// workers are the pids of the pool's workers, in order.
func workers(m *machine) string {
	m.t.Helper()
	return m.sh("pgrep -x php-cgi | sort -n")
}

// settledWorkers are the workers when no old ones are left that finish.
func settledWorkers(m *machine) (pids string) {
	m.t.Helper()
	eventually(m.t, func() error {
		if pids = workers(m); len(strings.Fields(pids)) != 5 {
			return fmt.Errorf("workers are\n%s%s%s", pids, m.exec("fcgi-supervisor", "status").text, m.logs())
		}
		return nil
	})
	return pids
}

func property(m *machine, name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "-P", name, "fcgi-supervisor"))
}

// outlives ends the supervisor, or makes it hang: another one comes, the workers
// are the same, and no request is lost.
func outlives(m *machine, command ...string) {
	before, pid, restarts := settledWorkers(m), property(m, "MainPID"), property(m, "NRestarts")
	l := m.load("/")
	m.run(append(command, pid)...)
	eventually(m.t, func() error {
		if property(m, "NRestarts") == restarts || property(m, "ActiveState") != "active" {
			return fmt.Errorf("not restarted:\n%s", m.exec("systemctl", "status", "--no-pager", "fcgi-supervisor").text)
		}
		return nil
	})
	l.verdict()
	if after := workers(m); after != before {
		m.t.Errorf("workers were\n%sand are\n%s%s", before, after, m.logs())
	}
	m.contains(m.run("fcgi-supervisor", "status"), "5/5")
}

// replaces: the end of one worker is no reason to stop the unit.
func replaces(m *machine) {
	before, pid := settledWorkers(m), property(m, "MainPID")
	m.run("kill", "-KILL", strings.Fields(before)[0])
	eventually(m.t, func() error {
		if now := workers(m); now == before || len(strings.Fields(now)) != 5 {
			return fmt.Errorf("workers are\n%s", now)
		}
		return nil
	})
	if now := property(m, "MainPID"); now != pid || property(m, "ActiveState") != "active" {
		m.t.Errorf("the main process was %s and is %s, %s", pid, now, property(m, "ActiveState"))
	}
}

// upgrades: the process stays systemd's, and goes on telling it.
func upgrades(m *machine) {
	before, pid := settledWorkers(m), property(m, "MainPID")
	l := m.load("/")
	m.put(binary, "/usr/bin/fcgi-supervisor")
	m.run("fcgi-supervisor", "upgrade")
	m.run("systemctl", "reload", "fcgi-supervisor")
	l.verdict()
	if now := property(m, "MainPID"); now != pid {
		m.t.Errorf("the main process was %s and is %s", pid, now)
	}
	if now := workers(m); now == before {
		m.t.Error("systemctl reload does not reach the new program")
	}
	keepsOne(m)
}

func reloadsWithMistake(m *machine) {
	m.sh("cp " + poolFile + " /root/php.toml && echo 'procesess = 3' >>" + poolFile)
	l := m.load("/")
	if r := m.exec("systemctl", "reload", "fcgi-supervisor"); r.code == 0 {
		m.t.Errorf("systemctl reload succeeds with a mistake:\n%s", r.text)
	}
	l.verdict()
	m.contains(m.run("systemctl", "status", "--no-pager", "-l", "fcgi-supervisor"),
		"configuration not taken: "+poolFile+":", "active (running)", "procesess", "processes")
}

// restartsWithMistake still has the mistake: who asks for the restart is told, and
// the workers serve on and have somebody who minds them.
func restartsWithMistake(m *machine) {
	m.run("systemctl", "reset-failed", "fcgi-supervisor") // many starts so far
	before, l := settledWorkers(m), m.load("/")
	if r := m.exec("systemctl", "restart", "fcgi-supervisor"); r.code == 0 {
		m.t.Errorf("systemctl restart succeeds with a mistake:\n%s", r.text)
	}
	eventually(m.t, func() error {
		if status := m.exec("systemctl", "status", "--no-pager", "fcgi-supervisor").text; !strings.Contains(status, "active (running)") {
			return fmt.Errorf("nobody goes on:\n%s", status)
		}
		return nil
	})
	m.contains(m.run("systemctl", "status", "--no-pager", "-l", "fcgi-supervisor"), "configuration not taken: "+poolFile+":", "procesess")
	m.contains(m.run("journalctl", "--no-pager", "-u", "fcgi-supervisor"), "cannot restart: the workers serve on")
	outlives(m, "kill", "-KILL")
	l.verdict()
	if now := workers(m); now != before {
		m.t.Errorf("workers were\n%sand are\n%s%s", before, now, m.logs())
	}
	stops(m)
}

// startsWithMistake has no workers that would have to be minded.
func startsWithMistake(m *machine) {
	if r := m.exec("systemctl", "start", "fcgi-supervisor"); r.code == 0 {
		m.t.Errorf("systemctl start succeeds with a mistake:\n%s", r.text)
	}
	status := m.exec("systemctl", "status", "--no-pager", "-l", "-n", "10", "fcgi-supervisor").text
	m.contains(status, poolFile+":", "procesess", `"processes"`, "status=2")
	if n := property(m, "NRestarts"); n != "0" {
		m.t.Errorf("started %s times more with the same mistake", n)
	}
	m.sh("mv /root/php.toml " + poolFile)
	m.run("systemctl", "start", "fcgi-supervisor")
	m.answers("/")
}

// restarts: another supervisor, other workers, and nobody has noticed.
func restarts(m *machine, command ...string) {
	for range 3 {
		before, l := settledWorkers(m), m.load("/")
		m.run(command...)
		eventually(m.t, func() error { // the old ones finish
			now := strings.Fields(workers(m))
			for _, pid := range strings.Fields(before) {
				if slices.Contains(now, pid) {
					return fmt.Errorf("worker %s lives still", pid)
				}
			}
			return nil
		})
		l.verdict()
		m.contains(m.run("fcgi-supervisor", "status"), "5/5")
	}
}

// left lists the processes of pools.
const left = `grep -lsz '^FCGI_SUPERVISOR_POOL=' /proc/[0-9]*/environ || true`

func stops(m *machine) {
	m.run("systemctl", "stop", "fcgi-supervisor")
	if pids := m.sh(left); pids != "" {
		m.t.Errorf("processes are left:\n%s", pids)
	}
	if files := m.sh("find /run/fcgi-supervisor -type s -o -name '*.json'"); files != "" {
		m.t.Errorf("files are left:\n%s", files)
	}
	m.contains(m.run("systemctl", "show", "-P", "Result", "fcgi-supervisor"), "success")
}

// endsLeftovers: ExecStopPost= ends what KillMode=process has left, after a real
// stop and not after a crash.
func endsLeftovers(m *machine) {
	const start = `systemd-run -q --unit %s --property KillMode=process --property Delegate=yes ` +
		`--property 'ExecStopPost=/usr/bin/fcgi-supervisor leftovers' sh -c 'setsid sleep %d & exec sleep 1000'`
	running := func(n int) bool { return m.exec("pgrep", "-fx", fmt.Sprintf("sleep %d", n)).code == 0 }
	wait := func(n int) {
		eventually(m.t, func() error {
			if !running(n) {
				return fmt.Errorf("sleep %d does not run", n)
			}
			return nil
		})
	}
	m.sh(fmt.Sprintf(start, "stopped", 2001))
	wait(2001)
	m.run("systemctl", "stop", "stopped")
	if running(2001) {
		m.t.Error("a process is left after a stop")
	}
	m.sh(fmt.Sprintf(start, "crashed", 2002))
	wait(2002)
	m.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", "crashed")
	eventually(m.t, func() error {
		if state := m.exec("systemctl", "is-active", "crashed").text; !strings.Contains(state, "failed") {
			return fmt.Errorf("the crashed unit is %s", state)
		}
		return nil
	})
	if !running(2002) {
		m.t.Error("a worker was ended after a crash: nobody could take it back")
	}
	m.run("pkill", "-fx", "sleep 2002")
}

// activates: systemd holds the socket, so a restart loses nothing.
func activates(m *machine) {
	m.run("fcgi-supervisor", "install", "--now", "--name", "act", "--listen", "systemd:act",
		"--socket", "act=unix:/run/act.sock", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi")
	m.answers("/act")
	l := m.load("/act")
	m.run("systemctl", "restart", "fcgi-supervisor")
	l.verdict()
	m.reboot()
	m.answers("/act")
	m.answers("/")
}

func ownService(m *machine) {
	m.run("useradd", "-m", "-s", "/bin/sh", "ann")
	m.run("loginctl", "enable-linger", "ann")
	uid := strings.TrimSpace(m.run("id", "-u", "ann"))
	eventually(m.t, func() error {
		if r := m.exec("systemctl", "is-active", "user@"+uid); r.code != 0 {
			return fmt.Errorf("the manager of ann is %s", r.text)
		}
		return nil
	})
	as := []string{"setpriv", "--reuid", uid, "--regid", uid, "--init-groups", "env", "HOME=/home/ann", "USER=ann", "XDG_RUNTIME_DIR=/run/user/" + uid}
	ann := func(command ...string) string { m.t.Helper(); return m.run(append(as, command...)...) }
	m.contains(ann("fcgi-supervisor", "install", "--user-service", "--now", "--name", "own", "--", "/usr/bin/php-cgi"),
		"/home/ann/.config/systemd/user/fcgi-supervisor.service", "started")
	own := func() {
		m.t.Helper()
		m.contains(ann("fcgi-supervisor", "request", "unix:/run/user/"+uid+"/fcgi-supervisor/own.sock", "/", "-p", "SCRIPT_FILENAME=/srv/php/index.php", "-p", "REDIRECT_STATUS=200"), "pid ")
	}
	own()
	ann("systemctl", "--user", "reload", "fcgi-supervisor")
	m.reboot()
	eventually(m.t, func() error {
		if r := m.exec(append(as, "systemctl", "--user", "is-active", "fcgi-supervisor")...); r.code != 0 {
			return fmt.Errorf("after a reboot: %s", r.text)
		}
		return nil
	})
	own()
	ann("fcgi-supervisor", "uninstall", "--user-service", "--purge")
	if files := m.sh("find /home/ann -name '*fcgi*'"); files != "" {
		m.t.Errorf("files are left:\n%s", files)
	}
}

// singleUser: the hardened variant still runs a pool.
func singleUser(m *machine) {
	m.sh("rm -f /etc/fcgi-supervisor/conf.d/*.toml")
	m.run("fcgi-supervisor", "uninstall")
	m.write(poolFile, "[pool.php]\ncommand = [\"/usr/bin/php-cgi\"]\nlisten = \"unix:/run/fcgi-supervisor/php.sock\"\n")
	m.run("fcgi-supervisor", "install", "--user", "www-data", "--now")
	m.answers("/")
	m.run("systemctl", "reload", "fcgi-supervisor")
	m.answers("/")
	m.contains(m.run("ps", "-o", "user=", "-C", "fcgi-supervisor"), "www-data")
	m.contains(m.run("fcgi-supervisor", "status"), "5/5")
}

func uninstalls(m *machine) {
	m.contains(m.run("fcgi-supervisor", "uninstall"), "removed "+unit)
	m.contains(m.run("fcgi-supervisor", "uninstall"), "it is not installed")
	if files := m.sh("find /etc/systemd /run -name '*fcgi*' 2>/dev/null || true"); files != "" {
		m.t.Errorf("files are left:\n%s", files)
	}
	m.run("test", "-e", poolFile) // the configuration stays
	if pids := m.sh(left); pids != "" {
		m.t.Errorf("processes are left:\n%s", pids)
	}
	m.contains(m.run("fcgi-supervisor", "install", "--name", "second", "--", "/usr/bin/php-cgi"), "wrote ")
	m.contains(m.run("fcgi-supervisor", "uninstall"), "kept ", "conf.d/second.toml", "--purge")
	m.contains(m.run("fcgi-supervisor", "uninstall", "--purge"), "removed ", "conf.d/second.toml")
	m.contains(m.run("fcgi-supervisor", "uninstall", "--purge"), "it is not installed")
	if files := m.sh("find /var/lib/fcgi-supervisor /etc/fcgi-supervisor/conf.d -name '*fcgi*' -o -name 'second*' 2>/dev/null || true"); files != "" {
		m.t.Errorf("files are left after a purge:\n%s", files)
	}
}
