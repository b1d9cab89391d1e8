package boottest

// What install refuses, on a machine with systemd, and that it leaves nothing.
// Not covered: an empty battery.

import (
	"os"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refuses: the command fails with one message, which says what is wanted, and
// leaves nothing.
func (m *machine) refuses(name, prepare, command, after, want string) {
	everything := func() string {
		return m.sh("find /etc/systemd /etc/fcgi-supervisor /etc/default /etc/init.d /etc/logrotate.d /etc/rc?.d /var/lib \\( -type f -o -type l \\) 2>/dev/null | sort | xargs md5sum 2>/dev/null || true")
	}
	m.step(name, func(t *testing.T) {
		before := everything()
		m.sh(prepare)
		r := m.exec("sh", "-c", command)
		if r.code == 0 || strings.Count(r.text, "fcgi-supervisor: cannot") != 1 {
			t.Errorf("exit %d, want one message:\n%s", r.code, r.text)
		}
		m.contains(r.text, want)
		m.sh(after)
		if after := everything(); after != before {
			t.Errorf("it has left something:\n%s\nbefore:\n%s", after, before)
		}
	})
}

// badInput begins and ends with nothing installed, but a pool that is configured.
func badInput(m *machine) {
	m.write(poolFile, "[pool.php]\ncommand = [\"/usr/bin/php-cgi\"]\nlisten = \"unix:/run/fcgi-supervisor/php.sock\"\nuser = \"www-data\"\n")
	for _, c := range []struct{ name, prepare, command, after, want string }{
		{"not root", "", "setpriv --reuid 65534 --regid 65534 --clear-groups fcgi-supervisor install -- /usr/bin/php-cgi", "", "only root"},
		{"sysv under systemd", "", "fcgi-supervisor install --init sysv -- /usr/bin/php-cgi", "", "systemd runs this machine"},
		{"unknown init", "", "fcgi-supervisor install --init upstart -- /usr/bin/php-cgi", "", `"upstart"`},
		{"pool name", "", "fcgi-supervisor install --name '50%$\"ü' -- /usr/bin/php-cgi", "", "bad pool name"},
		{"masked", "systemctl mask fcgi-supervisor", "fcgi-supervisor install -- /usr/bin/php-cgi", "systemctl unmask fcgi-supervisor", "systemctl unmask"},
		{"foreign unit", "echo '[Service]' >" + unit, "fcgi-supervisor install -- /usr/bin/php-cgi", "rm " + unit, "--force"},
		{"unknown user", "", "fcgi-supervisor install --user nobody-there", "", "nobody-there"},
		{"taken address", "", "fcgi-supervisor install --name other --listen unix:/run/fcgi-supervisor/php.sock -- /usr/bin/php-cgi", "", "other.toml:"},
		{"no systemctl", "mv /bin/systemctl /root/", "fcgi-supervisor install -- /usr/bin/php-cgi", "mv /root/systemctl /bin/", "systemctl"},
		{"full disk", "mount -t tmpfs -o size=4k full /etc/systemd/system && head -c 4096 /dev/zero >/etc/systemd/system/filler", "fcgi-supervisor install -- /usr/bin/php-cgi",
			"test -z \"$(find /etc/systemd/system -name '*fcgi*')\" && umount /etc/systemd/system", "no space left"},
		{"read-only", "mount --bind /etc /etc && mount -o remount,bind,ro /etc", "fcgi-supervisor install -- /usr/bin/php-cgi", "umount /etc", "read-only"},
		{"program of somebody else", "install -D -o ann /usr/bin/fcgi-supervisor /opt/ann/fcgi-supervisor", "/opt/ann/fcgi-supervisor install", "rm -r /opt/ann", "belongs to user ann"},
		{"quotes in the path", "mkdir '/opt/x\"' && cp /usr/bin/fcgi-supervisor '/opt/x\"/'", "'/opt/x\"/fcgi-supervisor' install", "rm -r '/opt/x\"'", "quotes"},
		{"unusable name of the binary", "cp /usr/bin/fcgi-supervisor \"$(printf '/root/x\\ny')\"", "\"$(printf '/root/x\\ny')\" install -- /usr/bin/php-cgi", "rm /root/x*", "control character"},
	} {
		m.refuses(c.name, c.prepare, c.command, c.after, c.want)
	}
	m.step("path with everything in it", func(t *testing.T) {
		const path = `/opt/my app 50%n $HOME ${HOME} ü {/fcgi-supervisor`
		quoted := "'" + path + "'"
		m.sh("mkdir -p \"$(dirname " + quoted + ")\" && cp /usr/bin/fcgi-supervisor " + quoted)
		m.run(path, "install", "--now")
		m.answers("/")
		m.contains(m.sh("readlink /proc/$(systemctl show -P MainPID fcgi-supervisor)/exe"), path)
		m.run("systemctl", "reload", "fcgi-supervisor")
		m.run(path, "uninstall")
	})
}
