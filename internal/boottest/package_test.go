package boottest

// The packages, from installation to purge, on both init systems. Not covered: the
// rpm on a machine that has rpm: only what is in it is looked at.

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
	first, rpm := packages(t, "0.1.0~test1")
	second, _ := packages(t, "0.1.0~test2")
	t.Run("lintian", func(t *testing.T) {
		output, err := exec.Command("lintian", "--allow-root", "--fail-on", "error", first).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, output)
		}
	})
	t.Run("rpm", func(t *testing.T) { rpmHasAll(t, rpm) })
	for _, kind := range []string{systemd, sysv} {
		t.Run(kind, func(t *testing.T) { lifeOfAPackage(t, kind, first, second) })
	}
}

func rpmHasAll(t *testing.T, rpm string) {
	var output []byte
	for _, what := range []string{"--list", "--scripts"} {
		text, err := exec.Command("rpm", "-qp", what, rpm).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		output = append(output, text...)
	}
	for _, want := range []string{"/usr/bin/fcgi-supervisor\n", "/usr/lib/systemd/system/fcgi-supervisor.service\n", "/etc/init.d/fcgi-supervisor\n",
		"/etc/fcgi-supervisor/fcgi-supervisor.toml\n", "/usr/share/man/man5/fcgi-supervisor.toml.5.gz\n", "postinstall scriptlet", "preuninstall scriptlet"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("%q is missing in:\n%s", want, output)
		}
	}
}

func lifeOfAPackage(t *testing.T, kind, first, second string) {
	t.Parallel()
	m := bareMachine(t, kind, "nginx-light", "php-cgi", map[string]string{systemd: "libpam-systemd", sysv: "busybox"}[kind]) // as the others: one root is made for all
	m.write("/etc/nginx/conf.d/test.conf", read(t, "testdata/nginx.conf"))
	m.write("/srv/php/index.php", read(t, "testdata/index.php"))
	m.put(first, "/root/first.deb")
	m.put(second, "/root/second.deb")
	m.boot()
	m.step("install", func(t *testing.T) {
		m.run("dpkg", "-i", "/root/first.deb")
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
		m.run("dpkg", "-i", "/root/second.deb")
		l.verdict()
		if now := workers(m); now != before {
			t.Errorf("workers were\n%sand are\n%s", before, now)
		}
		m.contains(m.run("fcgi-supervisor", "status", "--output", "json"), `"0.1.0~test2"`)
		m.run("service", "fcgi-supervisor", "status")
	})
	m.step("remove", func(t *testing.T) {
		m.run("dpkg", "-r", "fcgi-supervisor")
		if pids := m.sh(left); pids != "" {
			t.Errorf("processes are left:\n%s", pids)
		}
		m.run("test", "-e", poolFile)
	})
	m.step("purge", func(t *testing.T) {
		m.run("dpkg", "-P", "fcgi-supervisor")
		const find = `find / -xdev -iname '*fcgi-supervisor*' ! -path '/proc/*' ! -path '/sys/*' ! -path '*/journal/*' 2>/dev/null || true`
		if files := m.sh(find); files != "" {
			t.Errorf("files are left:\n%s", files)
		}
	})
	m.stop()
}
