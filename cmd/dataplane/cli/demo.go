package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/demo"
)

func newDemo() *cobra.Command {
	var cfg demo.Config
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the plane at work against Linux, in a private network namespace",
		Long: `demo starts a plane on a TAP device in a network namespace of its own and lets
Linux, at the other end, ping it, fetch pages, exchange messages and move bulk
data. The machine's own network is not touched, and everything vanishes with the
process, also on Ctrl-C.

Root is not needed where the kernel allows user namespaces. Where no TAP can be had
the same programme runs over an in-memory wire.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Time < 10*time.Millisecond || cfg.Time > time.Minute {
				return usage{fmt.Errorf("--time %v: want 10ms to 1m", cfg.Time)}
			}
			cfg.Out = c.OutOrStdout()
			return demo.Run(c.Context(), cfg)
		},
	}
	c.Flags().BoolVar(&cfg.Wire, "wire", false, "no TAP and no namespace: two planes on an in-memory wire")
	c.Flags().DurationVar(&cfg.Time, "time", 1500*time.Millisecond, "how long each measurement takes")
	return c
}
