package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/bpf"

	dpcapture "dataplane/capture"
	"dataplane/cmd/dataplane/capture"
	"dataplane/cmd/dataplane/control"
)

const captureHelp = `capture shows what passes the ports of a running plane (dataplane serve), a line for
each frame, or writes it to a file that tcpdump and Wireshark read. It costs a plane that
nobody looks at nothing.

The expression is tcpdump's, without the arithmetic and without names of hosts: host, net,
port, portrange with src and dst; ip, ip6, arp, tcp, udp, icmp, icmp6, igmp, sctp; ether
host, proto, broadcast, multicast; vlan, less, greater; and, or, not, parentheses.`

const captureExample = `  dataplane capture                                    # everything
  dataplane capture -i dp0 tcp port 80 and host 10.9.0.1
  dataplane capture -c 1000 -w web.pcap 'port 80 or port 443'; tcpdump -nr web.pcap
  dataplane capture -w - | wireshark -k -i -`

func newCapture() *cobra.Command {
	c := &cobra.Command{
		Use:     "capture [flags] [EXPRESSION]",
		Short:   "Show or record the frames of a running plane",
		Long:    captureHelp,
		Example: captureExample,
	}
	f := c.Flags()
	f.StringP("interface", "i", "", "`DEVICE` of the port, or lo (default: all)")
	f.StringP("write", "w", "", "write a pcap `FILE`, - being the standard output")
	f.IntP("count", "c", 0, "end after `N` frames")
	f.IntP("snapshot-length", "s", 0, "`BYTES` to take of each frame (default: all)")
	f.BoolP("incoming", "Q", false, "only what comes in")
	f.Bool("promiscuous", false, "let the port hand up what is for others")
	f.Int("buffer", 0, "`BYTES` that each lcore may keep (default 4 MB)")
	f.BoolP("dump", "d", false, "print the program that the expression makes, and end")
	path := addControlFlag(c)
	f.SortFlags = false
	c.RunE = func(c *cobra.Command, args []string) error { return runCapture(c, args, path) }
	return c
}

func runCapture(c *cobra.Command, args []string, path *string) error {
	f := c.Flags()
	var req capture.Request
	req.Iface, _ = f.GetString("interface") // the flags exist
	req.Count, _ = f.GetInt("count")
	req.Incoming, _ = f.GetBool("incoming")
	req.Promiscuous, _ = f.GetBool("promiscuous")
	req.Buffer, _ = f.GetInt("buffer")
	snap, _ := f.GetInt("snapshot-length")
	if snap <= 0 {
		snap = dpcapture.MaxFrame
	}
	prog, err := dpcapture.Compile(strings.Join(args, " "), snap)
	if err != nil {
		return usage{err}
	}
	if req.Filter, err = bpf.Assemble(prog); err != nil {
		return err
	}
	if dump, _ := f.GetBool("dump"); dump {
		for i, ins := range prog {
			fmt.Fprintf(c.OutOrStdout(), "(%03d) %v\n", i, ins)
		}
		return nil
	}
	conn, err := control.Dial(cmp.Or(*path, control.DefaultPath()), "capture")
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be sent
	file, _ := f.GetString("write")
	return capture.Run(c.Context(), conn, &req, capture.Output{File: file, Snap: snap, Stdout: c.OutOrStdout(), Stderr: c.ErrOrStderr()})
}
