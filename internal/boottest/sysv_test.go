package boottest

// A machine with sysvinit. Not covered: a real chkconfig, which no Debian has.

import (
	"fmt"
	"strings"
	"testing"
)

const script = "/etc/init.d/fcgi-supervisor"

func TestSysV(t *testing.T) {
	t.Parallel()
	m := newMachine(t, sysv)
	m.boot()
	m.step("install", func(t *testing.T) { installsScript(m) })
	m.step("reboot", func(t *testing.T) { m.reboot(); m.answers("/"); stoppedInTime(m) })
	m.step("power cut", func(t *testing.T) { m.crash(); m.answers("/") })
	m.step("reload under load", func(t *testing.T) { reloadsScript(m) })
	m.step("restart under load", func(t *testing.T) { restarts(m, "service", "fcgi-supervisor", "restart") })
	m.step("kill -9", func(t *testing.T) { takesBack(m) })
	m.step("mistake", func(t *testing.T) { scriptWithMistake(m) })
	for _, shell := range []string{"dash", "busybox sh"} {
		m.step("states/"+shell, func(t *testing.T) { states(m, shell) })
	}
	m.step("without start-stop-daemon", func(t *testing.T) {
		m.sh("mv /sbin/start-stop-daemon /root/")
		states(m, "busybox sh")
		m.sh("mv /root/start-stop-daemon /sbin/")
	})
	m.step("rotated log", func(t *testing.T) { rotates(m) })
	m.step("stubborn", func(t *testing.T) { stubborn(m) })
	m.step("uninstall", func(t *testing.T) { uninstallsScript(m) })
	m.step("chkconfig", func(t *testing.T) { checksConfig(m) })
	m.step("bad input", func(t *testing.T) { badInputOfScripts(m) })
}

// TestOpenRC: Debian's OpenRC runs init scripts after sysvinit has started it.
func TestOpenRC(t *testing.T) {
	if !*acceptance {
		t.Skip("left out: another Debian has to be fetched; try: make acceptance")
	}
	t.Parallel()
	m := newMachine(t, sysv, "BOOT_TEST_RC=openrc")
	m.boot()
	m.step("install", func(t *testing.T) {
		m.sh("mv /usr/sbin/update-rc.d /root/") // Debian's; others have rc-update alone
		m.contains(m.run("fcgi-supervisor", "install", "--now", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi"), "enabled", "started")
		m.run("test", "-L", "/etc/runlevels/default/fcgi-supervisor")
	})
	m.step("reboot", func(t *testing.T) {
		m.reboot()
		eventually(t, func() error { _, err := m.web().ask("/"); return err }) // OpenRC goes on after its "rc 2"
		stoppedInTime(m)
		m.run("rc-service", "fcgi-supervisor", "status")
	})
	m.step("uninstall", func(t *testing.T) {
		m.run("fcgi-supervisor", "uninstall", "--purge")
		m.run("sh", "-c", "test ! -L /etc/runlevels/default/fcgi-supervisor")
	})
	m.stop()
}

func installsScript(m *machine) {
	m.contains(m.run("fcgi-supervisor", "install", "--now", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi"),
		"wrote "+script, "enabled", "php: ", "started")
	m.run("service", "nginx", "reload")
	eventually(m.t, func() error { _, err := m.web().ask("/"); return err })
	m.contains(m.sh("ls /etc/rc2.d /etc/rc6.d"), "S", "fcgi-supervisor", "K")
	if again := m.run("fcgi-supervisor", "install", "--now", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi"); strings.Contains(again, "wrote") {
		m.t.Errorf("a second install writes:\n%s", again)
	}
}

// stoppedInTime: at the last shutdown the supervisor was asked to stop and had
// the time for it.
func stoppedInTime(m *machine) {
	m.contains(m.run("cat", "/var/log/fcgi-supervisor/fcgi-supervisor.log"), "stopping: requests under way are finished", "stopped after=")
}

func reloadsScript(m *machine) {
	before, l := generation(m), m.load("/")
	m.run("service", "fcgi-supervisor", "reload")
	eventually(m.t, func() error {
		if now := generation(m); now == before {
			return fmt.Errorf("the generation is %s still", now)
		}
		return nil
	})
	l.verdict()
}

// takesBack: the workers serve while nobody minds them, and start finds them.
func takesBack(m *machine) {
	before, l := settledWorkers(m), m.load("/")
	m.sh("kill -KILL $(cut -d' ' -f1 /run/fcgi-supervisor.pid)")
	eventually(m.t, func() error {
		if r := m.exec(script, "status"); r.code != 1 {
			return fmt.Errorf("status of a dead supervisor: exit %d, want 1\n%s", r.code, r.text)
		}
		return nil
	})
	m.run("service", "fcgi-supervisor", "start")
	l.verdict()
	if now := settledWorkers(m); now != before {
		m.t.Errorf("workers were\n%sand are\n%s", before, now)
	}
}

// scriptWithMistake: a mistake stops neither what runs nor a person from seeing it.
func scriptWithMistake(m *machine) {
	m.sh("cp " + poolFile + " /root/php.toml && echo 'procesess = 3' >>" + poolFile)
	l := m.load("/")
	for _, verb := range []string{"reload", "restart", "force-reload", "try-restart"} {
		r := m.exec("service", "fcgi-supervisor", verb)
		if r.code != 6 {
			m.t.Errorf("%s with a mistake: exit %d, want 6 (LSB: not configured)\n%s", verb, r.code, r.text)
		}
		m.contains(r.text, poolFile+":", `"processes"`)
	}
	l.verdict()
	m.run("service", "fcgi-supervisor", "stop")
	r := m.exec("service", "fcgi-supervisor", "start")
	if r.code == 0 {
		m.t.Error("start succeeds with a mistake")
	}
	m.contains(r.text, poolFile+":", `"processes"`)
	m.code("status", "sh", 3)
	m.sh("mv /root/php.toml " + poolFile)
	m.run("service", "fcgi-supervisor", "start")
	m.answers("/")
}

// code wants that exit code of the script under that shell.
func (m *machine) code(verb, shell string, want int) string {
	m.t.Helper()
	r := m.exec("sh", "-c", shell+" "+script+" "+verb)
	if r.code != want {
		m.t.Errorf("%s %s: exit %d, want %d\n%s", shell, verb, r.code, want, r.text)
	}
	return r.text
}

// states begins and ends with a service that runs.
func states(m *machine, shell string) {
	pid := func() string { return strings.Fields(m.run("cat", "/run/fcgi-supervisor.pid"))[0] }
	m.contains(m.code("status", shell, 0), "pid "+pid())
	m.contains(m.code("start", shell, 0), "runs already")
	m.code("reload", shell, 0)
	m.code("force-reload", shell, 0)
	m.code("", shell, 2)
	m.code("nonsense", shell, 2)
	before := pid()
	m.code("restart", shell, 0)
	m.code("try-restart", shell, 0)
	m.answers("/")
	if pid() == before {
		m.t.Error("a restart kept the process")
	}
	m.contains(m.exec("sh", "-c", "setpriv --reuid 65534 --regid 65534 --clear-groups "+shell+" "+script+" status").text, "runs, pid")

	m.code("stop", shell, 0)
	if pids := m.sh(left); pids != "" {
		m.t.Errorf("processes are left:\n%s", pids)
	}
	m.code("status", shell, 3)
	m.code("stop", shell, 0)
	m.code("reload", shell, 7)
	m.code("try-restart", shell, 0)
	m.code("status", shell, 3)

	// A pid file of another process, and of none.
	m.sh("sleep 1000 >/dev/null 2>&1 & echo $! 12345 >/run/fcgi-supervisor.pid")
	other := pid()
	m.code("status", shell, 1)
	m.code("stop", shell, 0)
	m.run("kill", "-0", other)
	m.run("kill", other)
	m.sh("echo 99999 1 >/run/fcgi-supervisor.pid")
	m.code("status", shell, 1)
	m.code("start", shell, 0)
	m.code("status", shell, 0)
	m.sh("mv /usr/bin/fcgi-supervisor /root/")
	m.code("start", shell, 5)
	m.code("stop", shell, 0)
	m.sh("mv /root/fcgi-supervisor /usr/bin/")
	m.code("start", shell, 0)
	m.answers("/")
}

// stubborn: a supervisor that does not end is ended, with its workers.
func stubborn(m *machine) {
	m.sh("echo STOP_TIMEOUT=1 >/etc/default/fcgi-supervisor")
	m.sh("kill -STOP $(cut -d' ' -f1 /run/fcgi-supervisor.pid)")
	m.run("service", "fcgi-supervisor", "stop")
	if pids := m.sh(left); pids != "" {
		m.t.Errorf("processes are left:\n%s", pids)
	}
	m.code("status", "sh", 3)
}

func uninstallsScript(m *machine) {
	m.contains(m.run("fcgi-supervisor", "uninstall", "--purge"), "removed "+poolFile)
	if files := m.sh("find /etc /run /var/lib/fcgi-supervisor -name '*fcgi*' ! -path '*/nginx/*' ! -path '*/alternatives/*' 2>/dev/null || true"); files != "" {
		m.t.Errorf("files are left:\n%s", files)
	}
	m.contains(m.run("fcgi-supervisor", "uninstall"), "it is not installed")
}

// rotates: what logrotate is told fits the log, and the service notices nothing.
func rotates(m *machine) {
	const log = "/var/log/fcgi-supervisor/fcgi-supervisor.log"
	m.run("logrotate", "-f", "/etc/logrotate.d/fcgi-supervisor")
	m.contains(m.run("cat", log+".1"), "workers ready")
	m.run("service", "fcgi-supervisor", "reload")
	eventually(m.t, func() error {
		if text := m.run("cat", log); !strings.Contains(text, "SIGHUP") || strings.Contains(text, "\x00") {
			return fmt.Errorf("after the rotation the log has %q", text)
		}
		return nil
	})
}

// checksConfig: chkconfig is called as its manual page has it. It is a stand-in that
// notes how it is called: no Debian has the real one.
func checksConfig(m *machine) {
	m.sh("mv /usr/sbin/update-rc.d /root/ && printf '#!/bin/sh\necho \"$@\" >>/root/chkconfig.log\n' >/usr/sbin/chkconfig && chmod 755 /usr/sbin/chkconfig")
	m.contains(m.run("fcgi-supervisor", "install", "--name", "php", "--", "/usr/bin/php-cgi"), "enabled")
	m.contains(m.run("cat", script), "# chkconfig: 2345 ", "# description: ")
	m.run("fcgi-supervisor", "uninstall", "--purge")
	if calls := m.run("cat", "/root/chkconfig.log"); calls != "--add fcgi-supervisor\nfcgi-supervisor on\n--del fcgi-supervisor\n" {
		m.t.Errorf("chkconfig was called with\n%s", calls)
	}
	m.sh("rm /usr/sbin/chkconfig && mv /root/update-rc.d /usr/sbin/")
}

// badInputOfScripts begins and ends with nothing installed.
func badInputOfScripts(m *machine) {
	m.refuses("not root", "", "setpriv --reuid 65534 --regid 65534 --clear-groups fcgi-supervisor install -- /usr/bin/php-cgi", "", "only root")
	m.refuses("systemd", "", "fcgi-supervisor install --init systemd -- /usr/bin/php-cgi", "", "systemd does not run")
	m.refuses("nobody to register with", "mv /usr/sbin/update-rc.d /root/", "fcgi-supervisor install -- /usr/bin/php-cgi", "mv /root/update-rc.d /usr/sbin/", "--no-enable")
	m.refuses("full disk", "mount -t tmpfs -o size=4k full /etc/init.d && head -c 4096 /dev/zero >/etc/init.d/filler", "fcgi-supervisor install -- /usr/bin/php-cgi", "umount /etc/init.d", "no space left")
	m.refuses("read-only", "mount --bind /etc /etc && mount -o remount,bind,ro /etc", "fcgi-supervisor install -- /usr/bin/php-cgi", "umount /etc", "read-only")
	m.step("path with everything in it", func(t *testing.T) {
		const program = `'/opt/it'\''s my "app" $HOME 50% ü/fcgi-supervisor'`
		m.sh("mkdir -p \"$(dirname " + program + ")\" && cp /usr/bin/fcgi-supervisor " + program)
		m.sh(program + " install --now --name php -- /usr/bin/php-cgi")
		m.answers("/")
		for _, verb := range []string{"status", "reload", "restart", "stop"} {
			m.code(verb, "sh", 0)
		}
		m.sh(program + " uninstall --purge")
	})
}
