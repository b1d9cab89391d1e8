package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fcgi-supervisor/internal/fastcgi"
	"fcgi-supervisor/internal/listen"
	"fcgi-supervisor/worker"
)

// requestTimeout is what web servers wait by default (nginx fastcgi_read_timeout):
// a pool whose workers do not start has clients wait in its queue for ever.
const requestTimeout = time.Minute

func newRequestCommand() *cobra.Command {
	request := &fastcgi.CommandRequest{}
	var data string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "request POOL|ADDR PATH",
		Short: "Send one FastCGI request, as curl would, without a web server",
		Example: `  fcgi-supervisor request blog '/health?full=1' -v
  fcgi-supervisor request unix:/run/app.sock /form -d name=value`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError(cmd, errors.New("request takes a pool or an address, and a path"))
			}
			return nil
		},
		ValidArgsFunction: completePools(1),
	}
	flags := cmd.Flags()
	flags.StringVarP(&request.Method, "request", "X", "", "`METHOD` (default GET, or POST with -d)")
	flags.StringArrayVarP(&request.Headers, "header", "H", nil, "header, as `'NAME: VALUE'`; may be given again")
	flags.StringVarP(&data, "data", "d", "", "`BODY`, or @FILE, or @- for standard input")
	flags.StringArrayVarP(&request.Params, "param", "p", nil, "FastCGI parameter, as `NAME=VALUE`, in the place of ours; may be given again")
	flags.BoolVarP(&request.Verbose, "verbose", "v", false, "status, headers and the end of the request on standard error")
	flags.BoolVar(&request.ShowParams, "params", false, "the parameters that are sent, on standard error")
	flags.DurationVar(&timeout, "timeout", requestTimeout, "give up after this `TIME`; 0: never")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if flags.Changed("data") {
			request.Data = &data
		}
		request.Path = args[1]
		request.Stdin, request.Stdout, request.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
		ctx := cmd.Context()
		if timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return runRequest(ctx, cmd, args[0], request)
	}
	return cmd
}

func runRequest(ctx context.Context, cmd *cobra.Command, target string, request *fastcgi.CommandRequest) error {
	address, err := resolve(ctx, cmd, target)
	if err != nil {
		return err
	}
	if request.Network, request.Address, err = dialable(address); err != nil {
		return cannot("request "+request.Path+" from "+target, err)
	}
	err = request.Run(ctx)
	var usage *fastcgi.UsageError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &usage):
		return usageError(cmd, err)
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		timeout, _ := cmd.Flags().GetDuration("timeout")
		err = fmt.Errorf("no whole answer within %s (--timeout)", worker.Span(timeout))
	}
	err = cannot("request "+request.Path+" from "+target, err)
	if advice := fastcgi.Advice(err); advice != "" {
		err = fmt.Errorf("%w\n%s", err, advice)
	}
	return err
}

// resolve is the address that target is, or that of the pool with that name.
func resolve(ctx context.Context, cmd *cobra.Command, target string) (listen.Address, error) {
	if strings.ContainsAny(target, ":/@") {
		address, err := listen.Parse(target)
		if err != nil {
			return address, usageError(cmd, err)
		}
		return address, nil
	}
	client, err := newClient(cmd)
	if err != nil {
		return listen.Address{}, err
	}
	status, err := client.Status(ctx, target)
	if err == nil && len(status.Pools) != 1 {
		err = fmt.Errorf("the supervisor tells of %d pools", len(status.Pools))
	}
	if err != nil {
		return listen.Address{}, cannot("find the address of "+target, err)
	}
	if address := status.Pools[0].Address; address != nil {
		return listen.Parse(*address)
	}
	return listen.Parse(status.Pools[0].Listen)
}

// dialable is the address as a client reaches it.
func dialable(a listen.Address) (network, address string, err error) {
	switch a.Kind {
	case listen.Unix:
		return "unix", a.Path, nil
	case listen.Abstract:
		return "unix", "@" + a.Path, nil
	case listen.TCP:
		return "tcp", net.JoinHostPort(a.Host, strconv.Itoa(a.Port)), nil
	}
	return "", "", fmt.Errorf("where %s listens is known only to whoever opened it (try: request unix:/PATH or tcp:HOST:PORT)", a)
}
