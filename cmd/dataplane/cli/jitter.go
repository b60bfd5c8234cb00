package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/bench"
)

func newJitter() *cobra.Command {
	var cfg bench.JitterConfig
	c := &cobra.Command{
		Use:   "jitter",
		Short: "Gaps of a spinning lcore beside those of other threads",
		Long: `jitter lets threads spin, one after the other, on one CPU, and counts for how long each
was away from its work: the lcore of an idle plane (locked, spinning), a plain Go loop on a
locked thread, and, where the program was built with the tag dpdk, a thread of C that Go knows
nothing of. Once with nothing beside it, once with an application in the same process that
allocates 1 GB/s with GOGC set for it, once with one that allocates flat out.

What a thread of C suffers, too, is the machine's doing: interrupts, neighbours.`,
		Example: `  dataplane bench jitter
  dataplane bench jitter --cpu 3 --duration 10s --html jitter.html`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if cfg.Time < 10*time.Millisecond || cfg.Time > time.Hour || cfg.Rounds < 1 || cfg.Rounds > 1000 {
				return usage{fmt.Errorf("jitter: --duration %v --rounds %d: want 10ms to 1h, 1 to 1000", cfg.Time, cfg.Rounds)}
			}
			cfg.Out = c.OutOrStdout()
			return interrupted(bench.Jitter(c.Context(), cfg))
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.IntVar(&cfg.CPU, "cpu", -1, "`CPU` to spin on (default: the one that an lcore would take)")
	f.DurationVar(&cfg.Time, "duration", time.Second, "how long each is measured")
	f.IntVar(&cfg.Rounds, "rounds", 4, "`N` rounds that it is divided into; they alternate")
	f.BoolVar(&cfg.Realtime, "realtime", false, "measure an lcore under SCHED_FIFO, too (needs a privilege)")
	f.StringVar(&cfg.JSON, "json", "", "write the histograms to this `FILE`")
	f.StringVar(&cfg.HTML, "html", "", "write a page with plots to this `FILE`")
	return c
}
