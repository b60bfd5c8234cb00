package ss

import (
	"fmt"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// end writes one end of a socket: * for a port that there is none of.
func end(e *entry, a netip.AddrPort) string {
	port := "*"
	if a.Port() != 0 {
		port = fmt.Sprint(a.Port())
	}
	host := a.Addr().String()
	switch {
	case e.both && a.Addr().IsUnspecified():
		host = "*"
	case e.family == unix.AF_INET6:
		host = "[" + host + "]"
	}
	if e.zone != 0 && a.Addr().IsLinkLocalUnicast() {
		host += fmt.Sprintf("%%%d", e.zone)
	}
	return host + ":" + port
}

// print writes the list.
func print(o *Options, all []*entry, pid int) {
	t := tabwriter.NewWriter(o.Out, 0, 0, 1, ' ', 0)
	both := o.TCP == o.UDP
	if !o.NoHeader {
		if both {
			fmt.Fprint(t, "Netid\t") //nolint:errcheck // Flush tells
		}
		fmt.Fprintln(t, "State\tRecv-Q\tSend-Q\tLocal Address:Port\tPeer Address:Port\tProcess") //nolint:errcheck // as above
	}
	for _, e := range all {
		if both {
			fmt.Fprintf(t, "%s\t", e.netid) //nolint:errcheck // as above
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\n", stateNames[e.state], e.rx, e.tx, end(e, e.local), end(e, e.remote), e.rest(o, pid)) //nolint:errcheck // as above
	}
	t.Flush() //nolint:errcheck // nobody to tell
}

// rest is what follows the addresses.
func (e *entry) rest(o *Options, pid int) string {
	var out []string
	if o.Process && pid != 0 && e.state != timeWait {
		out = append(out, fmt.Sprintf(`users:(("dataplane",pid=%d))`, pid))
	}
	if o.Timers && e.timer != 0 {
		out = append(out, fmt.Sprintf("timer:(%s,%s,%d)", timerName(e.timer), e.expires.Round(time.Millisecond), e.retrans))
	}
	if o.Extended {
		out = append(out, fmt.Sprintf("ino:%d sk:%x", e.inode, e.cookie))
	}
	if m := e.memory; o.Memory && len(m) >= 36 {
		v := func(i int) uint32 { return native.Uint32(m[4*i:]) }
		out = append(out, fmt.Sprintf("skmem:(r%d,rb%d,t%d,tb%d,f%d,w%d,o%d,bl%d,d%d)", v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7), v(8)))
	}
	if o.Info && len(e.info) > 0 {
		out = append(out, info(e))
	}
	return strings.Join(out, " ")
}

func timerName(t uint8) string {
	names := [...]string{"off", "on", "keepalive", "timewait", "persist"}
	return names[min(int(t), len(names)-1)]
}

// tcpInfo is struct tcp_info; what lies beyond its end is 0.
type tcpInfo []byte

func (b tcpInfo) word(off int) uint32 {
	if off+4 > len(b) {
		return 0
	}
	return native.Uint32(b[off:])
}

func (b tcpInfo) long(off int) uint64 {
	if off+8 > len(b) {
		return 0
	}
	return native.Uint64(b[off:])
}

// field is a number of tcp_info with its name in ss.
type field struct {
	name string
	off  int
}

var (
	sizes  = []field{{"mss", 16}, {"pmtu", 60}, {"rcvmss", 20}, {"advmss", 84}, {"cwnd", 80}, {"ssthresh", 76}}
	totals = []field{{"bytes_sent", 200}, {"bytes_acked", 120}, {"bytes_received", 128}}
	states = []field{{"unacked", 24}, {"lost", 32}, {"retrans", 36}, {"notsent", 144}, {"rcv_space", 96}, {"rcv_ooopack", 224}, {"snd_wnd", 228}, {"rcv_wnd", 232}}
)

// info writes struct tcp_info in the words of ss.
func info(e *entry) string {
	b := tcpInfo(e.info)
	if len(b) < 104 {
		return e.congestion
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if b[5]&1 != 0 {
		add("ts")
	}
	if b[5]&2 != 0 {
		add("sack")
	}
	add("%s", e.congestion)
	if b[5]&4 != 0 {
		add("wscale:%d,%d", b[6]&15, b[6]>>4)
	}
	ms := func(off int) float64 { return float64(b.word(off)) / 1000 }
	if b.word(8) != 0 {
		add("rto:%.4g", ms(8))
	}
	if b.word(68) != 0 {
		add("rtt:%.4g/%.4g", ms(68), ms(72))
	}
	for _, f := range sizes {
		if v := b.word(f.off); v != 0 && v != 1<<31-1 {
			add("%s:%d", f.name, v)
		}
	}
	for _, f := range totals {
		if v := b.long(f.off); v != 0 {
			add("%s:%d", f.name, v)
		}
	}
	for _, f := range states {
		if v := b.word(f.off); v != 0 && e.state != listening {
			add("%s:%d", f.name, v)
		}
	}
	if v := b.word(148); v != 0 && v != 1<<32-1 {
		add("minrtt:%.4g", ms(148))
	}
	return strings.Join(out, " ")
}
