package iproute

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkInfo is a link as it is shown; the names in JSON are iproute2's.
type linkInfo struct {
	Index     int         `json:"ifindex"`
	Name      string      `json:"ifname"`
	Flags     []string    `json:"flags"`
	MTU       int         `json:"mtu"`
	Qdisc     string      `json:"qdisc"`
	OperState string      `json:"operstate"`
	Mode      string      `json:"linkmode,omitempty"`
	Group     string      `json:"group"`
	TxQLen    int         `json:"txqlen"`
	Type      string      `json:"link_type"`
	Address   string      `json:"address"`
	Broadcast string      `json:"broadcast"`
	Stats     *linkStats  `json:"stats64,omitempty"`
	Addrs     []*addrInfo `json:"addr_info,omitempty"`
}

type linkStats struct {
	Rx linkCount `json:"rx"`
	Tx linkCount `json:"tx"`
}

type linkCount struct {
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
	Errors  uint64 `json:"errors"`
	Dropped uint64 `json:"dropped"`
}

// flagNames are the flags of a link in the order of iproute2.
var flagNames = []struct {
	bit  uint32
	name string
}{
	{unix.IFF_LOOPBACK, "LOOPBACK"}, {unix.IFF_BROADCAST, "BROADCAST"}, {unix.IFF_POINTOPOINT, "POINTOPOINT"},
	{unix.IFF_MULTICAST, "MULTICAST"}, {unix.IFF_NOARP, "NOARP"}, {unix.IFF_PROMISC, "PROMISC"},
	{unix.IFF_UP, "UP"}, {unix.IFF_LOWER_UP, "LOWER_UP"},
}

// readLink reads a message about a link.
func readLink(b []byte) (*linkInfo, error) {
	l, err := netlink.LinkDeserialize(&unix.NlMsghdr{Type: unix.RTM_NEWLINK}, b)
	if err != nil {
		return nil, err
	}
	a := l.Attrs()
	k := &linkInfo{
		Index: a.Index, Name: a.Name, MTU: a.MTU, Qdisc: "noqueue", OperState: strings.ToUpper(a.OperState.String()), Mode: "DEFAULT",
		Group: "default", TxQLen: a.TxQLen, Type: "ether", Address: a.HardwareAddr.String(), Broadcast: "ff:ff:ff:ff:ff:ff",
	}
	if a.RawFlags&unix.IFF_UP != 0 && a.RawFlags&unix.IFF_LOWER_UP == 0 {
		k.Flags = append(k.Flags, "NO-CARRIER")
	}
	for _, f := range flagNames {
		if a.RawFlags&f.bit != 0 {
			k.Flags = append(k.Flags, f.name)
		}
	}
	if a.RawFlags&unix.IFF_LOOPBACK != 0 {
		none := net.HardwareAddr(make([]byte, 6)).String()
		k.Type, k.Address, k.Broadcast = "loopback", none, none
	}
	if s := a.Statistics; s != nil {
		k.Stats = &linkStats{linkCount{s.RxBytes, s.RxPackets, s.RxErrors, s.RxDropped}, linkCount{s.TxBytes, s.TxPackets, s.TxErrors, s.TxDropped}}
	}
	return k, nil
}

// links asks for all links, and remembers their names.
func (c *command) links() ([]*linkInfo, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	answers, err := c.k.Do(req)
	if err != nil {
		return nil, err
	}
	all := make([]*linkInfo, 0, len(answers))
	c.names = map[int]string{}
	for _, m := range answers {
		l, err := readLink(m.Data)
		if err != nil {
			return nil, err
		}
		c.names[l.Index] = l.Name
		all = append(all, l)
	}
	return all, nil
}

// chosen is the link that the words name, if they name one, and the rest of them is wrong.
func (c *command) chosen() (name string, err error) {
	for c.more() {
		w := c.word()
		if w == "dev" {
			if w, err = c.value(w); err != nil {
				return "", err
			}
		}
		if name != "" {
			return "", unknown(w)
		}
		name = w
	}
	return name, nil
}

// link is `ip link`.
func (c *command) link(verb string) error {
	switch verb {
	case "show":
		return c.showLinks(false)
	case "set":
		return c.setLink()
	}
	return Usage{fmt.Errorf("ip link: want show or set, not %s", verb)}
}

// showLinks is `ip link show`, and with addresses `ip addr show`.
func (c *command) showLinks(addrs bool) error {
	name, err := c.chosen()
	if err != nil {
		return err
	}
	if name != "" {
		if _, err := c.index(name); err != nil {
			return err
		}
	}
	all, err := c.links()
	if err != nil {
		return err
	}
	shown := []*linkInfo{}
	for _, l := range all {
		if name == "" || l.Name == name {
			shown = append(shown, l)
		}
		if !c.Stats {
			l.Stats = nil
		}
		if addrs {
			l.Mode = "" // as iproute2
		}
	}
	if addrs {
		if err := c.addAddrs(shown); err != nil {
			return err
		}
	}
	return c.print(shown, func() {
		for _, l := range shown {
			if !addrs || c.Family == 0 || len(l.Addrs) > 0 {
				c.printLink(l, addrs)
			}
		}
	})
}

// printLink writes a link, and its addresses.
func (c *command) printLink(l *linkInfo, addrs bool) {
	flags := "<" + strings.Join(l.Flags, ",") + ">"
	if c.Brief {
		c.printf("%-16s %-14s ", l.Name, l.OperState)
		if !addrs {
			c.printf("%s %s ", l.Address, flags)
		}
		for _, a := range l.Addrs {
			c.printf("%s/%d ", a.Local, a.Bits)
		}
		c.printf("\n")
		return
	}
	c.printf("%d: %s: %s mtu %d qdisc %s state %s ", l.Index, l.Name, flags, l.MTU, l.Qdisc, l.OperState)
	if !addrs {
		c.printf("mode DEFAULT ")
	}
	c.printf("group default qlen %d\n", l.TxQLen)
	if !addrs || c.Family == 0 {
		c.printf("    link/%s %s brd %s\n", l.Type, l.Address, l.Broadcast)
	}
	for _, a := range l.Addrs {
		c.printAddr(a)
	}
	if l.Stats != nil {
		for _, d := range []struct {
			name string
			n    linkCount
		}{{"RX", l.Stats.Rx}, {"TX", l.Stats.Tx}} {
			c.printf("    %s:  %12s %8s %6s %7s\n    %17d %8d %6d %7d\n", d.name, "bytes", "packets", "errors", "dropped", d.n.Bytes, d.n.Packets, d.n.Errors, d.n.Dropped)
		}
	}
}

// setLink is `ip link set`.
func (c *command) setLink() error {
	name := c.word()
	if name == "dev" {
		name = c.word()
	}
	if name == "" {
		return Usage{fmt.Errorf("ip link set: which device?")}
	}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, 0)
	req.AddData(msg)
	some := false
	for ; c.more(); some = true {
		switch w := c.word(); w {
		case "up":
			msg.Change |= unix.IFF_UP
			msg.Flags |= unix.IFF_UP
		case "down":
			msg.Change |= unix.IFF_UP
			msg.Flags &^= unix.IFF_UP
		case "mtu":
			v, err := c.value(w)
			if err != nil {
				return err
			}
			mtu, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				return Usage{fmt.Errorf("%q is no MTU", v)}
			}
			req.AddData(nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(uint32(mtu))))
		default:
			return unknown(w)
		}
	}
	if !some {
		return Usage{fmt.Errorf("ip link set %s: up, down or mtu N?", name)}
	}
	index, err := c.index(name)
	if err != nil {
		return err
	}
	msg.Index = int32(index)
	_, err = c.k.Do(req)
	return err
}
