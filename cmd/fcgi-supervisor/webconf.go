package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/internal/webserver"
)

// phpProgram is php-cgi as distributions name it: php-cgi, php-cgi8.2, php8.2-cgi.
var phpProgram = regexp.MustCompile(`^php[0-9.]*(-cgi[0-9.]*)?$`)

// webconfFlags are the flags of webconf as typed.
type webconfFlags struct {
	site    webserver.Site
	listen  string
	php     bool
	timeout time.Duration
}

func newWebconfCommand() *cobra.Command {
	var typed webconfFlags
	cmd := &cobra.Command{
		Use:   "webconf " + strings.Join(webserver.Names(), "|") + " [POOL]",
		Short: "Print a web server's configuration for a pool",
		Long: `Print a web server's configuration for a pool: complete, with comments that say
why each line is there, where to write it, and how to test it and use it. The
pool is looked up in the configuration; --listen does without one.`,
		Example: `  fcgi-supervisor webconf nginx blog --server-name blog.example.org
  fcgi-supervisor webconf apache blog --prefix /app --root /srv/blog/public
  fcgi-supervisor webconf caddy --listen unix:/run/app.sock --http :8080`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError(cmd, errors.New("name a web server ("+strings.Join(webserver.Names(), ", ")+") and, if there are several, a pool"))
			}
			if !slices.Contains(webserver.Names(), args[0]) {
				return usageError(cmd, fmt.Errorf("unknown web server %.40q; want one of %s", args[0], strings.Join(webserver.Names(), ", ")))
			}
			return nil
		},
		ValidArgsFunction: completeWebconf,
	}
	flags := cmd.Flags()
	flags.StringVar(&typed.site.Prefix, "prefix", "", "`PATH` that the application is mounted at, such as /app (default: the whole site)")
	flags.StringVar(&typed.site.Root, "root", "", "`FOLDER` whose files the web server sends itself; with PHP, where the scripts are")
	flags.StringVar(&typed.site.ServerName, "server-name", "", "DNS `NAME` of the site (default: any)")
	flags.StringVar(&typed.site.HTTP, "http", "", "where the web server listens, `[HOST]:PORT` (default :80)")
	flags.StringVar(&typed.listen, "listen", "", "`ADDRESS` of the pool, in the place of the configuration's")
	flags.BoolVar(&typed.php, "php", false, "the workers are php-cgi (default: as the pool's command says)")
	flags.DurationVar(&typed.timeout, "timeout", 0, "give up on a worker that says nothing for this `TIME` (default: what the pool lets a request take while it reloads)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runWebconf(cmd, args, typed)
	}
	return cmd
}

func runWebconf(cmd *cobra.Command, args []string, typed webconfFlags) error {
	site, err := siteOf(cmd, args[1:], typed)
	if err == nil && site.Root != "" {
		site.Root, err = filepath.Abs(site.Root)
	}
	if err != nil {
		return err
	}
	text, err := webserver.Write(args[0], site)
	if err != nil {
		return &exitError{exitUsage, cannot("write the configuration", err)}
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}

// siteOf is what was typed, completed by what the configuration says of the pool.
func siteOf(cmd *cobra.Command, names []string, typed webconfFlags) (webserver.Site, error) {
	site := typed.site
	site.PHP, site.ReadTimeout = typed.php, typed.timeout
	if typed.listen != "" {
		address, err := listen.Parse(typed.listen)
		if err != nil {
			return site, usageError(cmd, err)
		}
		site.Listen, site.Pool = address, "app"
		if len(names) > 0 {
			site.Pool = names[0]
		}
		return site, nil
	}
	p, err := configuredPool(cmd, names)
	if err != nil {
		return site, err
	}
	site.Pool, site.Listen = p.Name, p.Listen
	if !cmd.Flags().Changed("php") {
		site.PHP = phpProgram.MatchString(filepath.Base(p.Command[0]))
	}
	site.ReadTimeout = cmp.Or(typed.timeout, longestRequest(p))
	return site, exposes(site, p)
}

// configuredPool is the pool that is named, or the only one there is.
func configuredPool(cmd *cobra.Command, names []string) (config.Pool, error) {
	cfg, err := loadConfig(cmd)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || !exists(configPath(cmd)) {
			err = &exitError{exitUsage, fmt.Errorf("cannot find the pool: there is no configuration %s; try: --listen ADDRESS, or --config FILE", configPath(cmd))}
		}
		return config.Pool{}, err
	}
	var known []string
	for _, p := range cfg.Pools {
		if len(names) == 0 && len(cfg.Pools) == 1 || len(names) > 0 && p.Name == names[0] {
			return p, nil
		}
		known = append(known, p.Name)
	}
	switch {
	case len(known) == 0:
		err = fmt.Errorf("%s has no pool; try: --listen ADDRESS", cfg.Path)
	case len(names) == 0:
		err = fmt.Errorf("%s has several pools; try: one of %s", cfg.Path, strings.Join(known, ", "))
	default:
		err = fmt.Errorf("there is no pool %q in %s; try: %s", names[0], cfg.Path, strings.Join(known, ", "))
	}
	return config.Pool{}, &exitError{exitUsage, fmt.Errorf("cannot find the pool: %w", err)}
}

// longestRequest is how long a request may take that no reload is to cut off: a
// web server that waits longer waits for an answer that may never come.
func longestRequest(p config.Pool) time.Duration {
	if p.ReloadWay() == config.ReloadSwap {
		return p.DrainTimeout
	}
	return p.StopTimeout
}

// exposes refuses a root from which the program itself could be downloaded. PHP
// is made like that, and its web server runs what it must not send.
func exposes(site webserver.Site, p config.Pool) error {
	if site.Root == "" || site.PHP {
		return nil
	}
	root, err := filepath.Abs(site.Root)
	if err != nil {
		return err
	}
	for _, path := range p.Command {
		if relative, err := filepath.Rel(root, path); err == nil && filepath.IsAbs(path) && filepath.IsLocal(relative) && exists(path) {
			return &exitError{exitUsage, fmt.Errorf("cannot write the configuration: everybody could download %s, because it is below --root; try: a folder that holds only public files", path)}
		}
	}
	if p.Directory == root {
		return &exitError{exitUsage, fmt.Errorf("cannot write the configuration: %s is the folder that the workers of %s run in, and everybody could download all of it; try: a folder that holds only public files", root, p.Name)}
	}
	return nil
}

func completeWebconf(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return webserver.Names(), cobra.ShellCompDirectiveNoFileComp
	case 1:
		var names []string
		if cfg, err := loadConfig(cmd); err == nil {
			for _, p := range cfg.Pools {
				names = append(names, p.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
