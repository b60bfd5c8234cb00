package iproute

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// neighInfo is a neighbour as it is shown.
type neighInfo struct {
	Dst    string   `json:"dst"`
	Dev    string   `json:"dev"`
	LLAddr string   `json:"lladdr,omitempty"`
	Router *string  `json:"router,omitempty"`
	State  []string `json:"state"`

	family uint8
}

var nudNames = map[int]string{
	netlink.NUD_INCOMPLETE: "INCOMPLETE", netlink.NUD_REACHABLE: "REACHABLE", netlink.NUD_STALE: "STALE", netlink.NUD_DELAY: "DELAY",
	netlink.NUD_PROBE: "PROBE", netlink.NUD_FAILED: "FAILED", netlink.NUD_NOARP: "NOARP", netlink.NUD_PERMANENT: "PERMANENT",
}

// readNeigh reads a message about a neighbour.
func (c *command) readNeigh(b []byte) (*neighInfo, error) {
	n, err := netlink.NeighDeserialize(b)
	if err != nil {
		return nil, err
	}
	k := &neighInfo{Dst: n.IP.String(), Dev: c.name(n.LinkIndex), State: []string{nudNames[n.State]}, family: uint8(n.Family)}
	if n.HardwareAddr != nil {
		k.LLAddr = n.HardwareAddr.String()
	}
	if n.Flags&netlink.NTF_ROUTER != 0 {
		k.Router = new(string)
	}
	return k, nil
}

func (c *command) printNeigh(n *neighInfo) {
	c.printf("%s dev %s", n.Dst, n.Dev)
	if n.LLAddr != "" {
		c.printf(" lladdr %s", n.LLAddr)
	}
	if n.Router != nil {
		c.printf(" router")
	}
	c.printf(" %s\n", n.State[0])
}

// neigh is `ip neigh`.
func (c *command) neigh(verb string) error {
	flags, typ := 0, unix.RTM_NEWNEIGH
	switch verb {
	case "show":
		return c.showNeigh()
	case "add":
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case "replace":
		flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	case "change":
		flags = unix.NLM_F_REPLACE
	case "del":
		typ = unix.RTM_DELNEIGH
	default:
		return Usage{fmt.Errorf("ip neigh: want show, add, replace, change or del, not %s", verb)}
	}
	var dst netip.Addr
	var mac net.HardwareAddr
	var name string
	var err error
	for c.more() && err == nil {
		w := c.word()
		switch {
		case w == "dev":
			name, err = c.value(w)
		case w == "lladdr":
			if mac, err = net.ParseMAC(c.word()); err != nil {
				err = Usage{err}
			}
		case w == "nud" && c.word() == "permanent", w == "to":
		case !dst.IsValid():
			dst, err = address(w)
		default:
			err = unknown(w)
		}
	}
	if err != nil {
		return err
	}
	if !dst.IsValid() || name == "" || mac == nil && verb != "del" {
		return Usage{fmt.Errorf("ip neigh %s: want ADDRESS lladdr MAC dev DEVICE", verb)}
	}
	index, err := c.index(name)
	if err != nil {
		return err
	}
	req := nl.NewNetlinkRequest(typ, flags)
	req.AddData(&netlink.Ndmsg{Family: familyOf(dst), Index: uint32(index), State: netlink.NUD_PERMANENT})
	req.AddData(nl.NewRtAttr(netlink.NDA_DST, dst.AsSlice()))
	if mac != nil {
		req.AddData(nl.NewRtAttr(netlink.NDA_LLADDR, mac))
	}
	_, err = c.k.Do(req)
	return err
}

// showNeigh is `ip neigh show`.
func (c *command) showNeigh() error {
	name, err := c.chosen()
	if err != nil {
		return err
	}
	msg := &netlink.Ndmsg{Family: uint8(c.Family)}
	if name != "" {
		index, err := c.index(name)
		if err != nil {
			return err
		}
		msg.Index = uint32(index)
	}
	req := nl.NewNetlinkRequest(unix.RTM_GETNEIGH, unix.NLM_F_DUMP)
	req.AddData(msg)
	answers, err := c.k.Do(req)
	if err != nil {
		return err
	}
	all := []*neighInfo{}
	for _, m := range answers {
		n, err := c.readNeigh(m.Data)
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	return c.print(all, func() {
		for _, n := range all {
			c.printNeigh(n)
		}
	})
}
