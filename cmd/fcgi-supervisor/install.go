package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/service"
)

func newInstallCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "install [flags] [-- COMMAND ARG...]",
		Short: "Install the supervisor as a service that starts at boot",
		Long: `Install the supervisor as a service of systemd or of SysV init that starts at
boot. With a COMMAND, a pool for it is written to conf.d/NAME.toml too: the flags
of run describe it, and the address is unix:/run/fcgi-supervisor/NAME.sock unless
--listen says otherwise. All of it is verified before it gets its place; after an
error nothing is left behind. What is there already is not written again.

--user without a COMMAND makes the whole service run as that user; with one it is
the user of the workers, by default the web server's.`,
		Example: `  fcgi-supervisor install --now -- /var/www/app/app.fcgi
  fcgi-supervisor install --print`,
		Args: cobra.ArbitraryArgs,
	}
	registerPoolFlags(cmd.Flags(), false)
	flags := cmd.Flags()
	flags.String("init", service.Auto, "the `INIT` system: systemd, sysv, or auto for the one that runs")
	flags.Bool("user-service", false, "a service of your own, under your systemd, without root")
	flags.Bool("print", false, "show what would be written, and write nothing")
	flags.Bool("force", false, "replace a unit or script that install has not written")
	flags.Bool("no-enable", false, "do not start it at boot")
	flags.Bool("now", false, "start it, or reload it if it runs")
	flags.StringArray("socket", nil, "let systemd hold the socket of a pool that has listen = \"systemd:POOL\"; `POOL=ADDRESS`, may be given again")
	cmd.RunE = install
	return cmd
}

func newUninstallCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop the service and remove what install has written",
		Long: `Stop the service, disable it, and remove what install has written and nothing
else. The configuration stays, unless --purge is given.`,
		Example: `  fcgi-supervisor uninstall
  fcgi-supervisor uninstall --purge`,
		Args: noArguments,
	}
	purge := cmd.Flags().Bool("purge", false, "remove the configuration that install has written, too")
	own := cmd.Flags().Bool("user-service", false, "the service of your own")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		done, err := service.Uninstall(service.Options{UserService: *own}, *purge)
		return tellOutcome(cmd, done, "uninstall", err)
	}
	return cmd
}

func install(cmd *cobra.Command, args []string) error {
	typed := typedFlags(cmd)
	o, err := installOptions(cmd, typed, len(args) > 0)
	if err != nil {
		return &exitError{exitUsage, cannot("install", err)}
	}
	var files []service.File
	var address string
	if len(args) > 0 {
		if files, address, err = poolFiles(o, typed, args); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	if show, _ := cmd.Flags().GetBool("print"); show {
		return printFiles(cmd, o, files)
	}
	if files, err = mainFile(o, files); err == nil && !o.UserService {
		err = trustedProgram()
	}
	if err != nil {
		return cannot("install", err)
	}
	done, err := put(o, files)
	done.Warnings = append(done.Warnings, machineFaults(o)...)
	if err := tellOutcome(cmd, done, "install", err); err != nil {
		return err
	}
	return tellNext(cmd, o, address)
}

// put installs the service. Where a package has done so, only the configuration is
// missing.
func put(o service.Options, files []service.File) (service.Outcome, error) {
	check := func() error {
		if _, err := os.Stat(o.Config); err != nil {
			return err
		}
		_, err := config.Load(o.Config)
		return err
	}
	plain := o.User == "" && !o.UserService && len(o.Sockets) == 0 && o.Init != service.SysV && !o.Force
	if plain && service.Packaged() != "" && len(files) > 0 {
		return service.Configure(o, files, check)
	}
	return service.Install(o, files, check)
}

// trustedProgram refuses a service of root's whose program somebody else could
// change, such as one in a folder of theirs.
func trustedProgram() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return config.CheckTrust(program)
}

// machineFaults is why pools may not work on this machine, such as a program in a
// folder that its user may not enter.
func machineFaults(o service.Options) []string {
	cfg, err := config.Load(o.Config)
	if err != nil || o.User != "" || o.UserService { // else it would be looked at with other rights
		return nil
	}
	var faults []string
	for _, p := range cfg.CheckMachine() {
		faults = append(faults, p.String())
	}
	return faults
}

func installOptions(cmd *cobra.Command, typed map[string][]string, pool bool) (service.Options, error) {
	f := cmd.Flags()
	o := service.Options{Version: version}
	o.Init, _ = f.GetString("init")
	o.UserService, _ = f.GetBool("user-service")
	o.Force, _ = f.GetBool("force")
	o.NoEnable, _ = f.GetBool("no-enable")
	o.Now, _ = f.GetBool("now")
	o.Config = configPath(cmd)
	if o.UserService && !f.Changed("config") && os.Getenv("FCGI_SUPERVISOR_CONFIG") == "" {
		folder, err := os.UserConfigDir()
		if err != nil {
			return o, err
		}
		o.Config = filepath.Join(folder, "fcgi-supervisor/fcgi-supervisor.toml")
	}
	var err error
	if o.Config, err = filepath.Abs(o.Config); err != nil {
		return o, err
	}
	if !pool {
		if user := typed["user"]; len(user) > 0 {
			o.User = user[0]
			delete(typed, "user")
		}
		for name := range typed {
			return o, fmt.Errorf("--%s describes a pool, but there is no COMMAND; try: -- COMMAND at the end", name)
		}
	}
	sockets, _ := f.GetStringArray("socket")
	o.Sockets, err = socketsOf(sockets)
	return o, err
}

func socketsOf(typed []string) ([]service.Socket, error) {
	var sockets []service.Socket
	for _, text := range typed {
		pool, address, found := strings.Cut(text, "=")
		if !found || config.PoolNameFault(pool) != "" {
			return nil, fmt.Errorf("--socket %q; want POOL=ADDRESS, as in blog=unix:/run/blog.sock", text)
		}
		a, err := listen.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("--socket %s: %w", pool, err)
		}
		if a.Kind == listen.Systemd || a.Kind == listen.FD {
			return nil, fmt.Errorf("--socket %s: %s is no address that systemd could open", pool, address)
		}
		s := service.Socket{Pool: pool, Address: a}
		if server := webServerUser(); server != "" {
			s.Owner, s.Group = server, groupOf(server)
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// poolFiles is the configuration of the pool that the flags describe, and its
// address.
func poolFiles(o service.Options, typed map[string][]string, command []string) ([]service.File, string, error) {
	if !filepath.IsAbs(command[0]) {
		if path, err := filepath.Abs(command[0]); err == nil && strings.Contains(command[0], "/") {
			command = append([]string{path}, command[1:]...)
		}
	}
	withDefaults(o, typed, command)
	name, text, err := config.WritePool(config.Flags{Values: typed, Command: command})
	if err != nil {
		return nil, "", err
	}
	text = "# Written by fcgi-supervisor install; yours to change.\n" + text
	path := filepath.Join(filepath.Dir(o.Config), "conf.d", name+".toml")
	if there, err := os.ReadFile(path); err == nil && string(there) != text && !o.Force {
		return nil, "", cannot("install", fmt.Errorf("%s is there and says something else; try: change it and fcgi-supervisor reload %s, or --name for a new pool, or --force", path, name))
	}
	return []service.File{{Path: path, Text: text, Mode: 0o644}}, typed["listen"][0], nil
}

// withDefaults fills in what run would ask for: an address, and workers that are
// not root and that the web server can reach.
func withDefaults(o service.Options, typed map[string][]string, command []string) {
	server := webServerUser()
	if len(typed["user"]) == 0 && server != "" && !o.UserService {
		typed["user"] = []string{server}
	}
	if group := groupOf(server); len(typed["listen-group"]) == 0 && group != "" && !o.UserService {
		typed["listen-group"] = []string{group}
	}
	if len(typed["listen"]) == 0 {
		folder := config.SystemRuntimeDir
		if o.UserService {
			folder = config.DefaultRuntimeDir()
		}
		name := config.PoolName(config.Flags{Values: typed, Command: command})
		typed["listen"] = []string{"unix:" + filepath.Join(folder, name+".sock")}
	}
}

// webServerUser is who web servers run as on this machine, empty if nobody is
// known for it.
func webServerUser() string {
	for _, name := range []string{"www-data", "nginx", "apache", "http", "www"} {
		if _, err := user.Lookup(name); err == nil {
			return name
		}
	}
	return ""
}

func groupOf(name string) string {
	u, err := user.Lookup(name)
	if err != nil {
		return ""
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return ""
	}
	return g.Name
}

// mainText includes what else is written.
const mainText = "# See fcgi-supervisor.toml(5). One pool a file is the habit.\ninclude = [\"conf.d/*.toml\"]\n"

// mainFile adds the configuration file itself where there is none.
func mainFile(o service.Options, files []service.File) ([]service.File, error) {
	_, err := os.Stat(o.Config)
	switch {
	case err == nil && len(files) == 0:
		return nil, nil
	case err == nil:
		text, err := os.ReadFile(o.Config)
		if err == nil && !strings.Contains(string(text), "conf.d/") {
			err = fmt.Errorf("%s does not include conf.d; try: include = [\"conf.d/*.toml\"] as its first line", o.Config)
		}
		return files, err
	case errors.Is(err, os.ErrNotExist):
		return append([]service.File{{Path: o.Config, Text: mainText, Mode: 0o644}}, files...), nil
	}
	return nil, err
}

func printFiles(cmd *cobra.Command, o service.Options, files []service.File) error {
	files, err := mainFile(o, files)
	if err == nil {
		files, err = service.Print(o, files)
	}
	if err != nil {
		return cannot("print it", err)
	}
	for n, f := range files {
		if n > 0 {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		fmt.Fprintf(cmd.OutOrStdout(), "==> %s (mode %04o) <==\n%s", f.Path, f.Mode, f.Text)
	}
	return nil
}

func tellOutcome(cmd *cobra.Command, done service.Outcome, what string, err error) error {
	for _, line := range done.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+line)
	}
	for _, line := range done.Lines {
		if err == nil || !strings.HasPrefix(line, "wrote ") { // else it was undone
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
	var mistakes config.Errors
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mistakes):
		return &exitError{exitUsage, err}
	}
	return cannot(what, err)
}

// tellNext says what to do now.
func tellNext(cmd *cobra.Command, o service.Options, address string) error {
	out := cmd.OutOrStdout()
	if address != "" {
		fmt.Fprintf(out, "the web server connects to %s\n", address)
	}
	if o.UserService && !lingers() {
		fmt.Fprintln(out, "it ends when you log out; to keep it: loginctl enable-linger")
	}
	if !o.Now {
		fmt.Fprintln(out, "it is not started yet; try: fcgi-supervisor check, then install --now")
	}
	return nil
}

func lingers() bool {
	u, err := user.Current()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join("/var/lib/systemd/linger", u.Username))
	return err == nil
}
