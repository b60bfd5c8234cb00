package cli

import (
	"context"
	"errors"
	"syscall"

	"github.com/spf13/cobra"

	"dataplane/cmd/dataplane/control"
	"dataplane/cmd/dataplane/iproute"
	"dataplane/cmd/dataplane/nlclient"
)

const ipHelp = `ip shows and changes links, addresses, routes and neighbours of a plane that runs,
in the words of iproute2. It reaches the plane by its control socket; what it changes
lasts as long as the plane.`

const ipExample = `  dataplane ip addr                              # links and their addresses
  dataplane ip addr add 10.9.1.2/24 dev dp0
  dataplane ip route add 192.168.0.0/16 via 10.9.0.1
  dataplane ip route get 192.168.3.4
  dataplane ip -6 route
  dataplane ip neigh replace 10.9.0.7 lladdr 02:00:00:00:00:07 dev dp0
  dataplane ip link set dp0 mtu 1400
  dataplane ip -j link | jq
  dataplane ip monitor                           # what changes, until Ctrl-C`

// addControlFlag defines --control of a command that reaches a running plane.
func addControlFlag(c *cobra.Command) *string {
	return c.PersistentFlags().String("control", "", "`PATH` of the plane's control socket (default as serve's)")
}

func newIP() *cobra.Command {
	ip := &cobra.Command{
		Use: "ip [flags] OBJECT [COMMAND]", Short: "Show and change a running plane's links, addresses, routes and neighbours",
		Long: ipHelp, Example: ipExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage{errors.New("ip: " + args[0] + " is none of link, addr, route, neigh, monitor")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	path := addControlFlag(ip)
	f := ip.PersistentFlags()
	var v4, v6, asJSON, brief, stats bool
	f.BoolVarP(&v4, "ipv4", "4", false, "IPv4 only")
	f.BoolVarP(&v6, "ipv6", "6", false, "IPv6 only")
	f.BoolVarP(&asJSON, "json", "j", false, "as JSON")
	f.BoolVarP(&brief, "brief", "b", false, "a line for each link (also -br)")
	f.BoolVarP(&stats, "statistics", "s", false, "with counters")
	for _, o := range []struct {
		name, use, short string
		aliases          []string
	}{
		{"link", "link [show [DEVICE] | set DEVICE {up | down | mtu N}]", "Links", []string{"l", "li"}},
		{"addr", "addr [show [DEVICE] | {add | replace | del} ADDRESS/BITS dev DEVICE]", "Addresses", []string{"a", "ad", "address"}},
		{"route", "route [show [table T] | get ADDRESS | {add | replace | change | del} PREFIX [via ADDRESS] [dev DEVICE] [src ADDRESS] [metric N] [mtu N]]", "Routes", []string{"r", "ro"}},
		{"neigh", "neigh [show [dev DEVICE] | {add | replace | change | del} ADDRESS [lladdr MAC] dev DEVICE]", "Neighbours", []string{"n", "neighbor", "neighbour"}},
		{"monitor", "monitor [link] [address] [route] [neigh]", "Show what changes, until it is ended", []string{"m", "mon"}},
	} {
		ip.AddCommand(&cobra.Command{Use: o.use, Short: o.short, Aliases: o.aliases, DisableFlagsInUseLine: true,
			RunE: func(c *cobra.Command, args []string) error {
				opts := iproute.Options{JSON: asJSON, Brief: brief, Stats: stats, Out: c.OutOrStdout()}
				switch {
				case v4 && !v6:
					opts.Family = syscall.AF_INET
				case v6 && !v4:
					opts.Family = syscall.AF_INET6
				}
				return withPlane(c.Context(), *path, control.ServiceRoute, func(k *nlclient.Conn) error {
					return iproute.Run(k, opts, o.name, args)
				})
			}})
	}
	return ip
}

// withPlane connects to a running plane, lets f work with it, and ends that with the context.
func withPlane(ctx context.Context, path, service string, f func(*nlclient.Conn) error) error {
	if path == "" {
		path = control.DefaultPath()
	}
	k, err := nlclient.Dial(path, service)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { k.Close() }) //nolint:errcheck // f sees it
	err = f(k)
	if !stop() {
		return nil // it was ended
	}
	k.Close() //nolint:errcheck // f is done
	var u iproute.Usage
	if errors.As(err, &u) {
		return usage{err}
	}
	return err
}

// oldWords turns options of iproute2 that have one dash and several letters into ours.
func oldWords(args []string) []string {
	if len(args) == 0 || args[0] != "ip" {
		return args
	}
	long := map[string]string{"-br": "--brief", "-brief": "--brief", "-json": "--json", "-stats": "--statistics", "-statistics": "--statistics"}
	out := append([]string(nil), args...)
	for i, a := range out {
		if l, ok := long[a]; ok {
			out[i] = l
		}
	}
	return out
}
