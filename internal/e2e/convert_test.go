package e2e

// What `convert` makes of other managers' configuration, run: the workers are
// there, in their number and as their user, and answer. Not covered: the options
// that tests in internal/convert see in the text.

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConverted(t *testing.T) {
	for peer, text := range map[string]string{
		"supervisord": "[fcgi-program:@NAME@]\ncommand=@PROGRAM@\nsocket=unix://@SOCKET@\nsocket_mode=0660\nnumprocs=3\n" +
			"process_name=%(program_name)s_%(process_num)02d\nuser=www-data\n",
		"php-fpm":  "[global]\nerror_log = /dev/null\n[@NAME@]\nuser = www-data\ngroup = www-data\nlisten = @SOCKET@\npm = static\npm.max_children = 3\nphp_flag[display_errors] = on\n",
		"lighttpd": "server.username = \"www-data\"\nvar.socket = \"@SOCKET@\"\nfastcgi.server = ( \"/\" => ( \"@NAME@\" => ( \"socket\" => socket, \"bin-path\" => \"@PROGRAM@\", \"max-procs\" => 3 ) ) )\n",
		"apache":   "User www-data\nGroup www-data\nFastCgiServer @PROGRAM@ -processes 3 \\\n  -socket @SOCKET@\n",
		"spawn-fcgi": "#!/bin/sh\nexec 2>&1\nSOCKET=@SOCKET@\nexec spawn-fcgi -n -s $SOCKET -u www-data -g www-data -- \\\n" +
			"    /usr/bin/multiwatch -f 3 -s TERM @PROGRAM@\n",
	} {
		t.Run(peer, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, pool{})
			program := filepath.Join(s.folder, s.pool)
			if err := os.Link(filepath.Join(workers, "worker-c"), program); err != nil {
				t.Fatal(err)
			}
			theirs := filepath.Join(s.folder, "theirs")
			text := strings.NewReplacer("@NAME@", s.pool, "@PROGRAM@", program, "@SOCKET@", s.socket).Replace(text)
			if err := os.WriteFile(theirs, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			o := runCommand(binary, "convert", peer, theirs)
			if o.code != 0 || o.stderr != "" {
				t.Fatalf("convert: exit %d\n%s", o.code, o.stderr)
			}
			ours := "[supervisor]\nruntime_dir = \"" + s.runtime() + "\"\n" + o.stdout
			if err := os.WriteFile(s.config(), []byte(ours), 0o644); err != nil {
				t.Fatal(err)
			}
			if check := runCommand(binary, "check", "--config", s.config()); check.code != 0 {
				t.Fatalf("check: exit %d\n%s\n%s", check.code, check.stderr, ours)
			}
			s.run(binary, "run", "--config", s.config())
			s.waitRunning()
			if status := s.mustStatus(); status.Wanted != 3 {
				t.Errorf("%d workers wanted, theirs were 3:\n%s", status.Wanted, ours)
			}
			f := nginx(t, "unix:"+s.socket, filepath.Join(workers, "worker.php"))
			f.must(http.MethodGet, "/pid", nil)
		})
	}
}
