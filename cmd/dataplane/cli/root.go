// Package cli is the command line: what `dataplane` and its subcommands take, and
// with which status they end. 0: done. 1: it could not be done, or not to the end.
// 2: the command line is wrong. 128 and more: ended by a signal.
//
// It runs on the main goroutine.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/demo"
)

// usage is an error of the command line.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// Main runs the command and returns the exit status.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal ends the process as it is
	root := newRoot()
	root.SetArgs(oldWords(args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	return status(root.ExecuteContext(ctx), stderr)
}

// status prints err, a line for each of its parts, and returns the exit status.
func status(err error, stderr io.Writer) int {
	var exit *demo.Exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Status // it has printed why
	case errors.Is(err, demo.ErrInterrupted):
		return 128 + int(syscall.SIGINT)
	}
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintln(stderr, "dataplane:", line)
		}
	}
	var u usage
	if errors.As(err, &u) {
		return 2
	}
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "dataplane",
		Short: "A TCP/IP stack in user space",
		Long: `dataplane runs a TCP/IP stack of its own in user space: it polls a network
device, and Go programs on top of it use ordinary sockets.`,
		Example: `  dataplane demo
  dataplane serve --addr 10.9.0.2/24 --host-addr 10.9.0.1/24`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage{fmt.Errorf("unknown command %q (see `dataplane --help`)", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		where := ""
		if c.HasParent() {
			where = c.Name() + ": "
		}
		return usage{fmt.Errorf("%s%w (see `%s --help`)", where, err, c.CommandPath())}
	})
	root.AddCommand(newDemo(), newServe(), newCapture(), newPorts(), newIP(), newSS(), newBench(), newVersion())
	return root
}

// noArgs is for commands that take flags only.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage{fmt.Errorf("%s takes no argument, got %q", c.Name(), args[0])}
	}
	return nil
}
