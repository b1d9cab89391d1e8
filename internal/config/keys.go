package config

import (
	"log/slog"
	"os"
	"syscall"
	"time"

	"fcgi-supervisor/internal/listen"
)

// keys is the one table of keys, in the order of the reference page.
var keys = []key{
	{table: tableTop, name: "include", kind: kindList, fallback: "none",
		meaning: "More files, as glob patterns relative to the folder of the file that names them. A name without `*`, `?` or `[` must exist.",
		store:   into(nodes, func(d *draft) *[]*node { return &d.include })},

	{table: tableSupervisor, name: "runtime_dir", kind: kindPath,
		fallback: "`$RUNTIME_DIRECTORY`, else `/run/fcgi-supervisor` for root, else `$XDG_RUNTIME_DIR/fcgi-supervisor`, else `/tmp/fcgi-supervisor-UID`",
		meaning:  "Folder of the control socket, the state file and the lock.",
		store:    into(absolute, func(d *draft) *string { return &d.supervisor.RuntimeDir })},
	{table: tableSupervisor, name: "control_group", kind: kindString, fallback: "none",
		meaning: "A group whose members may use the control socket (mode 0660). Without one only its owner may (0600).",
		store:   into(clean, func(d *draft) *string { return &d.supervisor.ControlGroup })},
	{table: tableSupervisor, name: "log_level", kind: kindChoice, choices: []string{"debug", "info", "warn", "error"}, initial: "info",
		meaning: "The least important messages that are logged.",
		store:   into(logLevel, func(d *draft) *slog.Level { return &d.supervisor.LogLevel })},
	choiceKey(tableSupervisor, "log_format", "auto", "`auto` is journal levels under systemd, aligned text on a terminal, else text.",
		func(d *draft) *string { return &d.supervisor.LogFormat }, "auto", "text", "json"),

	{table: tableHTTP, name: "listen", flag: "http", kind: kindWeb, fallback: "nowhere",
		meaning: "Where health, metrics and the status page are: `HOST:PORT` or `unix:/PATH`. What they tell is for everybody who can connect, unless `web_config_file` says otherwise.",
		store:   into(webAddress, func(d *draft) *listen.Address { return &d.http.Listen })},
	{table: tableHTTP, name: "web_config_file", kind: kindPath, fallback: "neither TLS nor passwords",
		meaning: "TLS and basic auth, in the format that [Prometheus exporters](https://prometheus.io/docs/prometheus/latest/configuration/https/) share. Certificates and passwords are read anew when they change.",
		store:   into(absolute, func(d *draft) *string { return &d.http.WebConfigFile })},

	{table: tablePool, name: "command", kind: kindList, fallback: "required",
		meaning: "Program and arguments of a worker; no shell reads them. A bare program name is looked up in `" + DefaultPath + "`.",
		store:   into(argv, func(d *draft) *[]string { return &d.pool.Command })},
	{table: tablePool, name: "directory", kind: kindPath, fallback: "the folder of the program",
		meaning: "Working directory of the workers. Symbolic links are resolved anew for every generation.",
		store:   into(absolute, func(d *draft) *string { return &d.pool.Directory })},
	{table: tablePool, name: "listen", kind: kindAddress, fallback: "required",
		meaning: "Where the web server connects: `unix:/PATH`, `unix:@ABSTRACT`, `tcp:HOST:PORT`, `tcp:[::1]:PORT`, `systemd:NAME` (a socket that systemd passes), `fd:N` (one that the starter passes).",
		store:   into(address, func(d *draft) *listen.Address { return &d.pool.Listen })},
	nameKey(tablePool, "listen_owner", "the user of the pool", "Owner of the socket file.",
		func(d *draft) *string { return &d.pool.ListenOwner }),
	nameKey(tablePool, "listen_group", "the group of the pool", "Group of the socket file.",
		func(d *draft) *string { return &d.pool.ListenGroup }),
	{table: tablePool, name: "listen_mode", kind: kindMode, initial: "0660",
		meaning: "Mode of the socket file. Who may write to it may connect.",
		store:   into(mode, func(d *draft) *os.FileMode { return &d.pool.ListenMode })},
	{table: tablePool, name: "listen_backlog", kind: kindInteger, initial: "4096",
		meaning: "How many connections may wait for a worker; the kernel cuts it to `net.core.somaxconn`.",
		store:   into(between[int](1, 1<<20), func(d *draft) *int { return &d.pool.ListenBacklog })},
	{table: tablePool, name: "processes", kind: kindInteger, initial: "5",
		meaning: "How many workers, from 1 to 4096.",
		store:   into(between[int](1, 4096), func(d *draft) *int { return &d.pool.Processes })},
	nameKey(tablePool, "user", "the supervisor's", "User of the workers; only root may choose another than its own.",
		func(d *draft) *string { return &d.pool.User }),
	nameKey(tablePool, "group", "the primary group of the user", "Group of the workers; needs `user`.",
		func(d *draft) *string { return &d.pool.Group }),
	{table: tablePool, name: "supplementary_groups", kind: kindList, fallback: "those of the user",
		meaning: "Further groups of the workers; needs `user`. An empty list is none.",
		store:   into(words, func(d *draft) *[]string { return &d.pool.SupplementaryGroups })},
	{table: tablePool, name: "umask", kind: kindMode, initial: "0022",
		meaning: "Permissions that files made by the workers do not get.",
		store:   into(mode, func(d *draft) *os.FileMode { return &d.pool.Umask })},
	{table: tablePool, name: "environment", flag: "env", kind: kindPairs, fallback: "none",
		meaning: "Variables of the workers, besides PATH, LANG, TZ, HOME, USER, LOGNAME and SHELL. Nothing else leaks in from the supervisor.",
		store:   into(pairs, func(d *draft) *map[string]string { return &d.pool.Environment })},
	{table: tablePool, name: "environment_file", kind: kindPath, fallback: "none",
		meaning: "A file of `NAME=VALUE` lines, read by the supervisor before each generation. `environment` wins over it.",
		store:   into(absolute, func(d *draft) *string { return &d.pool.EnvironmentFile })},
	{table: tablePool, name: "inherit_environment", kind: kindList, fallback: "none",
		meaning: "Names of variables that are passed on from the supervisor.",
		store:   into(variables, func(d *draft) *[]string { return &d.pool.InheritEnvironment })},
	choiceKey(tablePool, "ready", ReadyAuto, "How a worker is known to be ready: `auto` sees it wait for a connection, `notify` wants `READY=1` on its `NOTIFY_SOCKET`, `uptime` wants it alive for `min_uptime`.",
		func(d *draft) *string { return &d.pool.Ready }, ReadyAuto, ReadyNotify, ReadyUptime),
	spanKey(tablePool, "start_timeout", "30s", "A worker that is not ready by then has failed.",
		1, func(d *draft) *time.Duration { return &d.pool.StartTimeout }),
	spanKey(tablePool, "min_uptime", "1s", "With `ready = \"uptime\"`, or where the kernel does not show what a worker waits for: alive this long is ready.",
		0, func(d *draft) *time.Duration { return &d.pool.MinUptime }),
	{table: tablePool, name: "stop_signal", kind: kindSignal, initial: "SIGTERM",
		meaning: "What asks a worker to end.",
		store:   into(signal, func(d *draft) *syscall.Signal { return &d.pool.StopSignal })},
	spanKey(tablePool, "stop_timeout", "30s", "A worker that has not ended by then is killed. Longer than the longest request, by 2 s for programs with libfcgi.",
		1, func(d *draft) *time.Duration { return &d.pool.StopTimeout }),

	choiceKey(tablePool, "reload", ReloadAuto, "How a new generation replaces the old: `swap` starts all of it on a socket of its own and moves clients to that, `rolling` replaces one worker after the other on the same socket, `restart` ends all, then starts all. `auto` is swap for `unix:/PATH` and `tcp:`, and rolling for every other address.",
		func(d *draft) *string { return &d.pool.Reload }, ReloadAuto, ReloadSwap, ReloadRolling, ReloadRestart),
	spanKey(tablePool, "drain_timeout", "60s", "So long a generation that was swapped out may take to finish its requests.",
		1, func(d *draft) *time.Duration { return &d.pool.DrainTimeout }),

	spanKey(tableRestart, "delay", "100ms", "Before the second attempt; it doubles with each failure.",
		1, func(d *draft) *time.Duration { return &d.pool.Restart.Delay }),
	spanKey(tableRestart, "delay_max", "30s", "The longest delay.",
		1, func(d *draft) *time.Duration { return &d.pool.Restart.DelayMax }),

	{table: tableProbe, name: "path", kind: kindString, fallback: "no probe",
		meaning: "What is asked for, such as `/health`, with a query if need be. A status from 200 to 399 is good.",
		store:   into(requestPath, func(d *draft) *string { return &d.pool.Probe.Path })},
	{table: tableProbe, name: "params", kind: kindPairs, fallback: "none",
		meaning: "Further FastCGI parameters, such as the `SCRIPT_FILENAME` that php-cgi needs.",
		store:   into(pairs, func(d *draft) *map[string]string { return &d.pool.Probe.Params })},
	spanKey(tableProbe, "interval", "10s", "From one probe to the next.",
		time.Millisecond, func(d *draft) *time.Duration { return &d.pool.Probe.Interval }),
	spanKey(tableProbe, "timeout", "3s", "An answer that takes longer is none.",
		time.Millisecond, func(d *draft) *time.Duration { return &d.pool.Probe.Timeout }),
	{table: tableProbe, name: "failures", kind: kindInteger, initial: "3",
		meaning: "So many in a row, and the pool is unhealthy. No answer while clients wait in the queue is no failure: that is a saturated pool.",
		store:   into(between[int](1, 1000), func(d *draft) *int { return &d.pool.Probe.Failures })},

	{table: tableWatch, name: "paths", flag: "watch", kind: kindList, fallback: "none",
		meaning: "Files, folders with all that is below, and patterns (`**` is any number of folders), relative to `directory`.",
		store:   into(patterns, func(d *draft) *[]string { return &d.pool.Watch.Paths })},
	{table: tableWatch, name: "ignore", kind: kindList, initial: "**/.git/**,**/__pycache__/**,**/*.pyc,**/node_modules/**,**/*~,**/.*.sw?",
		meaning: "Patterns of what does not count, relative to `directory`. A list of your own replaces the default. The pool's own log file never counts.",
		store:   into(patterns, func(d *draft) *[]string { return &d.pool.Watch.Ignore })},
	spanKey(tableWatch, "debounce", "300ms", "So long it must be quiet after a change; changes that do not end wait 5 s at most.",
		time.Millisecond, func(d *draft) *time.Duration { return &d.pool.Watch.Debounce }),
	choiceKey(tableWatch, "mode", WatchAuto, "`inotify` hears of changes from the kernel, `poll` looks every second, `auto` polls where the file system tells of no changes (NFS, SMB, FUSE, 9p).",
		func(d *draft) *string { return &d.pool.Watch.Mode }, WatchAuto, WatchInotify, WatchPoll),

	choiceKey(tableLog, "output", OutputSupervisor, "`supervisor` is its own log, with pool, worker and pid; `file` is a file of the pool's own.",
		func(d *draft) *string { return &d.pool.Log.Output }, OutputSupervisor, OutputFile),
	{table: tableLog, name: "file", kind: kindPath, fallback: "required with `output = \"file\"`",
		meaning: "The file; opened again on SIGUSR1.",
		store:   into(absolute, func(d *draft) *string { return &d.pool.Log.File })},
	{table: tableLog, name: "max_size", kind: kindSize, initial: "50MB",
		meaning: "A file that reaches this size is rotated. KB, MB, GB, KiB, MiB, GiB.",
		store:   into(size, func(d *draft) *int64 { return &d.pool.Log.MaxSize })},
	{table: tableLog, name: "max_files", kind: kindInteger, initial: "10",
		meaning: "How many files are kept, the one being written included.",
		store:   into(between[int](1, 1000), func(d *draft) *int { return &d.pool.Log.MaxFiles })},

	{table: tableLimits, name: "nofile", kind: kindInteger, fallback: "inherited",
		meaning: "Open files (RLIMIT_NOFILE).",
		store:   optional(between[uint64](16, 1<<30), func(d *draft) **uint64 { return &d.pool.Limits.NoFile })},
	{table: tableLimits, name: "core", kind: kindLimit, fallback: "inherited",
		meaning: "Size of core files: `0`, `unlimited` or a size.",
		store:   optional(coreSize, func(d *draft) **uint64 { return &d.pool.Limits.Core })},
	{table: tableLimits, name: "nice", kind: kindInteger, fallback: "inherited",
		meaning: "From -20 (first) to 19 (last); below 0 only root may.",
		store:   optional(between[int](-20, 19), func(d *draft) **int { return &d.pool.Limits.Nice })},
	{table: tableLimits, name: "no_new_privileges", flag: "no-new-privileges", kind: kindBoolean, initial: "false",
		meaning: "Set-user-id programs give a worker no rights.",
		store:   into(boolean, func(d *draft) *bool { return &d.pool.Limits.NoNewPrivileges })},
}

// choiceKey is a key that takes one of a few words.
func choiceKey(table, name, initial, meaning string, field func(*draft) *string, choices ...string) key {
	return key{table: table, name: name, kind: kindChoice, choices: choices, initial: initial, meaning: meaning,
		store: into(oneOf(choices...), field)}
}

// spanKey is a key that takes a length of time, of at least shortest.
func spanKey(table, name, initial, meaning string, shortest time.Duration, field func(*draft) *time.Duration) key {
	return key{table: table, name: name, kind: kindDuration, initial: initial, meaning: meaning,
		store: into(duration(shortest), field)}
}

// nameKey is a key that takes the name of a user or group. An empty one is a
// mistake: a template that lost its value must not start workers as root.
func nameKey(table, name, fallback, meaning string, field func(*draft) *string) key {
	return key{table: table, name: name, kind: kindString, fallback: fallback, meaning: meaning,
		store: into(word, field)}
}
