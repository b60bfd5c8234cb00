package cli

import (
	"errors"
	"syscall"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/control"
	"dataplane/cmd/dataplane/nlclient"
	"dataplane/cmd/dataplane/ss"
)

const ssHelp = `ss lists the TCP and UDP sockets of a plane that runs, like ss of iproute2. Without -a or -l
it lists those that are connected. A filter can follow: state NAME, exclude NAME,
sport OP :PORT, dport OP :PORT, src ADDRESS[/BITS][:PORT], dst ...; all of them must hold.`

const ssExample = `  dataplane ss -ta                      # all of TCP
  dataplane ss -tuln                    # who listens
  dataplane ss -ti dst 10.9.0.1         # with what TCP knows of each connection
  dataplane ss -o state fin-wait-1
  dataplane ss -t sport = :80`

func newSS() *cobra.Command {
	var o ss.Options
	var v4, v6, numeric bool
	c := &cobra.Command{
		Use: "ss [flags] [FILTER]", Short: "List a running plane's sockets", Long: ssHelp, Example: ssExample,
		Args: cobra.ArbitraryArgs,
	}
	path := addControlFlag(c)
	f := c.Flags()
	f.BoolVarP(&o.TCP, "tcp", "t", false, "TCP")
	f.BoolVarP(&o.UDP, "udp", "u", false, "UDP")
	f.BoolVarP(&o.Listening, "listening", "l", false, "those that listen")
	f.BoolVarP(&o.All, "all", "a", false, "those that listen and those that are connected")
	f.BoolVarP(&numeric, "numeric", "n", false, "numbers, not names: always so")
	f.BoolVarP(&o.Info, "info", "i", false, "what TCP knows")
	f.BoolVarP(&o.Memory, "memory", "m", false, "what waits in the buffers, and their limits")
	f.BoolVarP(&o.Timers, "options", "o", false, "timers")
	f.BoolVarP(&o.Process, "processes", "p", false, "the process: the plane's")
	f.BoolVarP(&o.Kill, "kill", "K", false, "reset the connections that are shown")
	f.BoolVarP(&o.Extended, "extended", "e", false, "numbers by which a socket is known")
	f.BoolVarP(&o.NoHeader, "no-header", "H", false, "without the first line")
	f.BoolVarP(&v4, "ipv4", "4", false, "IPv4 only")
	f.BoolVarP(&v6, "ipv6", "6", false, "IPv6 only")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case v4 && !v6:
			o.Family = syscall.AF_INET
		case v6 && !v4:
			o.Family = syscall.AF_INET6
		}
		o.Expression, o.Out = args, c.OutOrStdout()
		err := withPlane(c.Context(), *path, control.ServiceDiag, func(k *nlclient.Conn) error { return ss.Run(k, o) })
		var u ss.Usage
		if errors.As(err, &u) {
			return usage{err}
		}
		return err
	}
	return c
}
