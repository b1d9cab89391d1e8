package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/control"
	"fcgi-supervisor/internal/doctor"
)

// doctorPatience is how long a trial worker may take to start, and to answer.
const doctorPatience = 10 * time.Second

func newDoctorCommand() *cobra.Command {
	o := doctor.Options{}
	var noStart bool
	cmd := &cobra.Command{
		Use:   "doctor [POOL] | doctor [pool flags] -- COMMAND ARG...",
		Short: "Find out why a FastCGI application does not work",
		Long: `Find out why a FastCGI application does not work ("premature end of script
headers"), in the order in which a good administrator would look: the program,
its interpreter, folders and user; the socket, as the web server's user sees it;
the pool as it runs; then a worker of its own, started exactly as the supervisor
starts them, on a socket of its own, and one real request.

The cause comes first, then every point that was looked at. It works with a
running supervisor, from the configuration alone, and for a command that no
configuration knows yet. It changes nothing, but it does start the program once
or, if that fails, several times: with one variable of your shell, or another
working directory, to see what makes the difference.

Exit code 0: healthy; 1: a problem was found; 2: usage or configuration error.`,
		Example: `  fcgi-supervisor doctor blog
  fcgi-supervisor doctor --as www-data --path /login
  fcgi-supervisor doctor --user www-data -- /var/www/app/app.fcgi`,
		ValidArgsFunction: completePools(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&o.As, "as", "", "the web server's `USER` (default: that of the running nginx, apache2, lighttpd, caddy, haproxy or h2o)")
	flags.StringVar(&o.Path, "path", "", "`PATH` to ask for (default: the pool's probe path, else /)")
	flags.StringVar(&o.Prefix, "prefix", "", "`PATH` at which the web server mounts the application (SCRIPT_NAME)")
	flags.StringArrayVarP(&o.Params, "param", "p", nil, "FastCGI parameter, as `NAME=VALUE`, in the place of ours; may be given again")
	flags.DurationVar(&o.Patience, "timeout", doctorPatience, "how much `TIME` a worker may take to start, and to answer")
	flags.BoolVar(&noStart, "no-start", false, "start no worker: look only")
	format := addOutputFlag(cmd)
	registerPoolFlags(flags, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.NoStart = noStart
		if err := checkDoctorFlags(o); err != nil {
			return usageError(cmd, err)
		}
		reports, err := examine(cmd, args, o)
		if err != nil {
			return err
		}
		healthy := true
		for i, r := range reports {
			healthy = healthy && r.Healthy
			if *format == outputJSON {
				if err := printJSON(cmd.OutOrStdout(), r); err != nil {
					return err
				}
				continue
			}
			if i > 0 {
				fmt.Fprintln(cmd.OutOrStdout())
			}
			printReport(screenOf(cmd.OutOrStdout()), r)
		}
		if !healthy {
			return errSilent
		}
		return nil
	}
	return cmd
}

func checkDoctorFlags(o doctor.Options) error {
	for _, p := range o.Params {
		if name, _, found := strings.Cut(p, "="); !found || name == "" {
			return fmt.Errorf("%q is not a parameter; write it as NAME=value", p)
		}
	}
	switch {
	case o.Patience <= 0:
		return errors.New("--timeout must be longer than nothing")
	case o.Prefix != "" && !strings.HasPrefix(o.Prefix, "/"):
		return fmt.Errorf("--prefix %q does not begin with a slash", o.Prefix)
	case o.Path != "" && !strings.HasPrefix(o.Path, "/"):
		return fmt.Errorf("--path %q does not begin with a slash", o.Path)
	case o.Path != "" && o.Prefix != "" && !strings.HasPrefix(o.Path, strings.TrimSuffix(o.Prefix, "/")):
		return fmt.Errorf("--path %s is not under --prefix %s", o.Path, o.Prefix)
	case o.As != "":
		if _, _, _, err := config.IDs(o.As); err != nil {
			return fmt.Errorf("--as: %v", err)
		}
	}
	return nil
}

// examine looks at the pool that is meant, or at all of them.
func examine(cmd *cobra.Command, args []string, o doctor.Options) ([]*doctor.Report, error) {
	names, command := args, []string(nil)
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		names, command = args[:dash], args[dash:]
	}
	if len(names) > 1 || len(names) == 1 && len(command) > 0 {
		return nil, usageError(cmd, errors.New("doctor takes one pool, or a command after --"))
	}
	if len(command) > 0 && !cmd.Flags().Changed("listen") { // the trial has a socket of its own anyway
		nowhere := filepath.Join(os.TempDir(), fmt.Sprintf("fcgi-doctor-%d.sock", os.Getpid()))
		if err := cmd.Flags().Set("listen", "unix:"+nowhere); err != nil {
			return nil, err
		}
	}
	cfg, err := runConfig(cmd, command)
	if err != nil && len(command) == 0 && !exists(configPath(cmd)) {
		err = &exitError{exitUsage, fmt.Errorf("cannot find the pool: there is no configuration %s; try: --config FILE, or the flags and command that `run` has: fcgi-supervisor doctor --user USER -- COMMAND", configPath(cmd))}
	}
	if err != nil {
		return nil, err
	}
	o.Config, o.Stray = cfg, cfg.Path == ""
	pools := cfg.Pools
	if len(names) == 1 {
		pools = slices.DeleteFunc(slices.Clone(pools), func(p config.Pool) bool { return p.Name != names[0] })
	}
	if len(pools) == 0 {
		var known []string
		for _, p := range cfg.Pools {
			known = append(known, p.Name)
		}
		if len(known) == 0 {
			return nil, &exitError{exitUsage, fmt.Errorf("%s has no pool; try: a table [pool.NAME] with command and listen", cfg.Path)}
		}
		return nil, fmt.Errorf("cannot examine %s: there is no such pool; there are: %s", names[0], strings.Join(known, ", "))
	}
	status := askSupervisor(cmd, o.Stray)
	o.Shell.Environment = os.Environ()
	o.Shell.Directory, _ = os.Getwd()
	var reports []*doctor.Report
	for _, p := range pools {
		one := o
		one.Pool = p
		if status != nil {
			one.SupervisorPID, one.Running = status.Supervisor.PID, true
			if i := slices.IndexFunc(status.Pools, func(s control.Pool) bool { return s.Name == p.Name }); i >= 0 {
				one.Status = &status.Pools[i]
			}
		}
		reports = append(reports, doctor.Examine(cmd.Context(), one))
	}
	return reports, nil
}

// askSupervisor is nil if none runs. A pool typed on the command line is compared
// with a supervisor only if one is named.
func askSupervisor(cmd *cobra.Command, stray bool) *control.Status {
	if stray && !cmd.Flags().Changed("control") {
		return nil
	}
	client, err := newClient(cmd)
	if err != nil {
		return nil // the configuration was read a moment ago
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), doctorPatience)
	defer cancel()
	status, err := client.Status(ctx, "")
	if err == nil {
		return status
	}
	if !errors.Is(err, control.ErrNotRunning) {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: what the supervisor says of the pool is not known: %v\n", err)
	}
	return nil
}

// printReport prints the cause, then every point.
func printReport(to screen, r *doctor.Report) {
	if r.Cause != nil {
		fmt.Fprintf(to, "%s %s\n", to.paint(bold, r.Pool+":"), to.paint(bold, harmless(r.Cause.Text)))
		if r.Cause.Remedy != "" {
			fmt.Fprintf(to, "try: %s\n", harmless(r.Cause.Remedy))
		}
		printLines(to, "  ", r.Cause.Detail)
	} else {
		fmt.Fprintf(to, "%s nothing wrong was found\n", to.paint(bold, r.Pool+":"))
	}
	fmt.Fprintln(to)
	labels := map[doctor.Verdict]string{doctor.OK: "ok       ", doctor.Problem: "problem  ", doctor.Unknown: "unchecked"}
	colours := map[doctor.Verdict]string{doctor.OK: "\x1b[32m", doctor.Problem: "\x1b[31m", doctor.Unknown: yellow}
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(to, "%s  %-13s  %s\n", to.paint(colours[f.Verdict], labels[f.Verdict]), f.Check, harmless(f.Text))
		if f.Verdict == doctor.OK || f == r.Cause {
			continue
		}
		if f.Remedy != "" {
			fmt.Fprintf(to, "%26stry: %s\n", "", harmless(f.Remedy))
		}
		printLines(to, strings.Repeat(" ", 26), f.Detail)
	}
}
