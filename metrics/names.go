package metrics

// Words that stand in notes more than once.
const (
	whereKnown   = "Absent where the kernel does not tell."
	neverGoBack  = "Known values of the labels are there from the start, at 0."
	oneSeries    = "One series a slot, of its newest worker that clients reach; a worker without a slot (scaled down) has none."
	withTheProbe = "Only of pools with a probe, from its first answer on."
)

// The names, as INTERFACE has them: added to, never renamed.
var (
	buildInfo = define(gauge, "build_info", "Version of the supervisor and of Go; always 1.", "", "version", "goversion")
	configOK  = define(gauge, "config_last_reload_successful", "Whether the configuration was accepted when it was last read: 1 yes, 0 no.",
		"After a 0 the configuration before it is still in force.")
	configAt = define(gauge, "config_last_reload_success_timestamp_seconds", "When a configuration was last accepted, in seconds since 1970.", "")
	ownLost  = define(counter, "own_log_lines_dropped_total", "Lines that the supervisor's own log has lost, of the supervisor and of workers that write to it.", "")

	poolWanted  = define(gauge, "pool_workers_wanted", "Number of workers that the pool is to have; 0 when it is stopped.", "", "pool")
	poolWorkers = define(gauge, "pool_workers", "Number of workers by state; busy and idle together are ready.",
		"`state` is starting, ready, busy, idle, draining or stopping. A worker of a generation that clients do not reach yet is starting, "+
			"one of a generation that they do not reach any more is draining. busy and idle are absent where the kernel does not tell.", "pool", "state")
	poolQueue       = define(gauge, "pool_listen_queue", "Connections that the kernel has completed and no worker has accepted.", whereKnown, "pool")
	poolBacklog     = define(gauge, "pool_listen_backlog", "Limit of the listen queue, as the kernel applies it.", whereKnown, "pool")
	poolConnections = define(gauge, "pool_connections", "Connections that workers have accepted and not closed.", whereKnown, "pool")
	poolGeneration  = define(gauge, "pool_generation", "Number of the generation that serves; each reload and restart makes a new one.", "", "pool")
	poolUp          = define(gauge, "pool_up", "Whether the pool has a ready worker at least: 1 yes, 0 no.", "A stopped pool is not up.", "pool")
	poolHealthy     = define(gauge, "pool_healthy", "Whether the pool is running or reloading with a ready worker at least and its probe, if it has one, is answered: 1 yes, 0 no.",
		"The same as `healthy` in `status --output json`.", "pool")
	poolBackoff = define(gauge, "pool_backoff_seconds", "Present delay between two attempts to start a worker; 0 when the last one succeeded.", "", "pool")

	starts = define(counter, "worker_starts_total", "Attempts to start a worker.", "", "pool")
	exits  = define(counter, "worker_exits_total", "Ends of workers, by reason.",
		"Asked for: stop, reload (restart too), scale. Not asked for: exit_0, exit_nonzero, signal, oom (killed for want of memory), "+
			"start_timeout (killed because it was not ready in time), start_error (could not be executed). "+neverGoBack, "pool", "reason")
	restarts = define(counter, "worker_restarts_total", "Workers started in the place of one that had ended unasked, by the reason of that end.",
		"Reasons as of worker_exits_total, those not asked for. "+neverGoBack, "pool", "reason")
	startDuration = define(histogram, "worker_start_duration_seconds", "From the start of a worker until it was ready.", "Classic and native buckets.", "pool")

	reloads = define(counter, "reloads_total", "Reloads and restarts that have come to an end, by what asked for them and what came of it.",
		"`trigger` is signal, api, file or config; `result` is ok or failed. One that is overtaken by another does not count. "+neverGoBack, "pool", "trigger", "result")
	reloadDuration = define(histogram, "reload_duration_seconds", "From the request for a reload or restart until all of it was done, of those that succeeded.", "Classic and native buckets.", "pool")

	probeSuccess  = define(gauge, "probe_success", "Whether the last probe was answered as it should be: 1 yes, 0 no.", withTheProbe, "pool")
	probeDuration = define(gauge, "probe_duration_seconds", "How long the last probe took.", withTheProbe, "pool")

	logLines = define(counter, "log_lines_total", "Lines that workers have written.",
		"`stream` is always `output`: a worker's standard output and standard error are one pipe, which keeps their lines in order, and cannot be told apart. "+
			"What an application writes to the error stream of FastCGI goes to the web server and is not seen here.", "pool", "stream")
	logLost = define(counter, "log_lines_dropped_total", "Lines of workers that the pool's own log file did not get.",
		"A pool without a file of its own writes to the supervisor's log: see own_log_lines_dropped_total.", "pool")

	workerCPU    = define(counter, "worker_cpu_seconds_total", "CPU time of the worker and its descendants.", "Begins at 0 with each new worker in the slot. "+oneSeries, "pool", "worker")
	workerMemory = define(gauge, "worker_resident_memory_bytes", "Resident memory of the worker and its descendants; pages that they share are counted for each.", oneSeries, "pool", "worker")
	workerFDs    = define(gauge, "worker_open_fds", "Open file descriptors of the worker and its descendants.", whereKnown+" "+oneSeries, "pool", "worker")
	workerStart  = define(gauge, "worker_start_time_seconds", "When the worker was started, in seconds since 1970.", oneSeries, "pool", "worker")
	workerBusy   = define(gauge, "worker_busy_since_timestamp_seconds", "When the oldest connection that the worker holds was first seen, in seconds since 1970.",
		"Only while it is busy. First seen means: by a scrape, `status` or the status page. "+oneSeries, "pool", "worker")
)

// Values of labels that are known before anything has happened.
var (
	unaskedReasons = []string{"exit_0", "exit_nonzero", "signal", "oom", "start_timeout", "start_error"}
	askedReasons   = []string{"stop", "reload", "scale"}
	triggers       = []string{"signal", "api", "file", "config"}
	results        = []string{"ok", "failed"}
)
