package boottest

// The packages, from installation to purge, on both init systems. Not covered: the
// rpm on a distribution of its own. Debian's rpm installs it, without dependencies.

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// packages builds both packages of a version.
func packages(t *testing.T, version string) (deb, rpm string) {
	t.Helper()
	dist := t.TempDir()
	cmd := exec.Command("../../deploy/build")
	cmd.Env = append(cmd.Environ(), "DIST="+dist, "VERSION="+version, "MAINTAINER=Ann <ann@fcgi-supervisor.org>")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the packages: %v\n%s", err, output)
	}
	find := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(dist, pattern))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: found %q (%v)", pattern, found, err)
		}
		return found[0]
	}
	return find("*.deb"), find("*.rpm")
}

func TestPackages(t *testing.T) {
	t.Parallel()
	first, firstRPM := packages(t, "0.1.0~test1")
	second, secondRPM := packages(t, "0.1.0~test2")
	t.Run("lintian", func(t *testing.T) {
		output, err := exec.Command("lintian", "--allow-root", "--fail-on", "error", first).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	})
	for _, kind := range []string{systemd, sysv} {
		t.Run("deb/"+kind, func(t *testing.T) { lifeOfAPackage(t, kind, deb, first, second) })
	}
	t.Run("rpm/"+systemd, func(t *testing.T) { lifeOfAPackage(t, systemd, rpm, firstRPM, secondRPM) })
}

// packager is how packages of one kind are handled.
type packager struct {
	install, upgrade, remove string
	purge                    string // empty: what is left after remove is left
}

var (
	deb = packager{"dpkg -i", "dpkg -i", "dpkg -r fcgi-supervisor", "dpkg -P fcgi-supervisor"}
	rpm = packager{"rpm --force-debian --nodeps -i", "rpm --force-debian --nodeps -U", "rpm -e fcgi-supervisor", ""}
)

// ours finds everything with our name in it.
const ours = `find / -xdev -iname '*fcgi-supervisor*' ! -path '/proc/*' ! -path '/sys/*' ! -path '*/journal/*' 2>/dev/null || true`

func lifeOfAPackage(t *testing.T, kind string, p packager, first, second string) {
	t.Parallel()
	m := bareMachine(t, kind)
	m.put(first, "/root/first")
	m.put(second, "/root/second")
	m.boot()
	m.step("install", func(t *testing.T) {
		m.sh(p.install + " /root/first")
		m.sh("man -w fcgi-supervisor.toml 2>/dev/null || test -e /usr/share/man/man5/fcgi-supervisor.toml.5.gz")
		if r := m.exec("service", "fcgi-supervisor", "status"); r.code != 3 {
			t.Errorf("status after the installation: exit %d, want 3, not running\n%s", r.code, r.text)
		}
	})
	m.step("reboot", func(t *testing.T) {
		m.reboot()
		if r := m.exec("service", "fcgi-supervisor", "status"); r.code != 3 {
			t.Errorf("what is not configured was started: exit %d\n%s", r.code, r.text)
		}
	})
	m.step("first pool", func(t *testing.T) {
		text := m.run("fcgi-supervisor", "install", "--now", "--name", "php", "--env", "PHP_FCGI_MAX_REQUESTS=0", "--", "/usr/bin/php-cgi")
		m.contains(text, "wrote "+poolFile, "enabled", "started")
		if strings.Contains(text, "wrote /etc/systemd") || strings.Contains(text, "wrote /etc/init.d") {
			t.Errorf("it takes the place of the package's own:\n%s", text)
		}
		m.reboot()
		m.answers("/")
	})
	m.step("group", func(t *testing.T) {
		m.sh("useradd ann && usermod -aG fcgi-supervisor ann")
		m.contains(m.run("setpriv", "--reuid", "ann", "--regid", "ann", "--init-groups", "fcgi-supervisor", "status"), "5/5")
	})
	m.step("upgrade under load", func(t *testing.T) {
		before, l := workers(m), m.load("/")
		m.sh(p.upgrade + " /root/second")
		l.verdict()
		if now := workers(m); now != before {
			t.Errorf("workers were\n%sand are\n%s", before, now)
		}
		m.contains(m.run("fcgi-supervisor", "status", "--output", "json"), `"0.1.0~test2"`)
		m.run("service", "fcgi-supervisor", "status")
	})
	m.step("remove", func(t *testing.T) {
		m.sh(p.remove)
		if pids := m.sh(left); pids != "" {
			t.Errorf("processes are left:\n%s", pids)
		}
		m.run("test", "-e", poolFile)
	})
	m.step("purge", func(t *testing.T) {
		if p.purge == "" { // the pool, and the folders of it and of the logs
			m.sh("rm -r /etc/fcgi-supervisor /var/log/fcgi-supervisor /run/fcgi-supervisor")
		} else {
			m.sh(p.purge)
		}
		if files := m.sh(ours); files != "" {
			t.Errorf("files are left:\n%s", files)
		}
	})
	m.stop()
}
