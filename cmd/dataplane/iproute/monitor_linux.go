package iproute

import (
	"fmt"

	"golang.org/x/sys/unix"

	"dataplane/cmd/dataplane/nlclient"
)

// groups are those of NETLINK_ROUTE by what `ip monitor` calls them.
var groups = map[string]uint64{
	"link":    1 << (unix.RTNLGRP_LINK - 1),
	"address": 1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1),
	"route":   1<<(unix.RTNLGRP_IPV4_ROUTE-1) | 1<<(unix.RTNLGRP_IPV6_ROUTE-1),
	"neigh":   1 << (unix.RTNLGRP_NEIGH - 1),
}

// groupMask is what a monitor with these words listens to; without any to everything.
func groupMask(words []string) (mask uint64, err error) {
	for _, w := range words {
		switch w {
		case "addr":
			w = "address"
		case "all":
			words = nil
			continue
		}
		if groups[w] == 0 {
			return 0, Usage{fmt.Errorf("ip monitor: %q is none of link, address, route, neigh, all", w)}
		}
		mask |= groups[w]
	}
	if len(words) == 0 {
		for _, g := range groups {
			mask |= g
		}
	}
	return mask, nil
}

// monitor is `ip monitor`: it shows what changes until the connection ends.
func (c *command) monitor(string) error {
	mask, err := groupMask(c.words)
	if err != nil {
		return err
	}
	if _, err := c.links(); err != nil { // their names
		return err
	}
	if err := c.k.Join(mask); err != nil {
		return err
	}
	for {
		m, err := c.k.Next()
		if err == nlclient.ErrLost { //nolint:errorlint // it is what Next returns
			c.printf("%v\n", err)
			continue
		}
		if err == nil {
			err = c.tell(m)
		}
		if err != nil {
			return err
		}
	}
}

// tell shows one change.
func (c *command) tell(m nlclient.Message) error {
	gone := ""
	if m.Type&3 == 1 { // as all RTM_DEL*
		gone = "Deleted "
	}
	switch m.Type &^ 1 {
	case unix.RTM_NEWLINK:
		l, err := readLink(m.Data)
		if err != nil {
			return err
		}
		l.Stats = nil
		c.names[l.Index] = l.Name
		return c.change(gone, l, func() { c.printLink(l, false) })
	case unix.RTM_NEWADDR:
		a, err := readAddr(m.Data)
		if err != nil || !c.wanted(a.family) {
			return err
		}
		return c.change(gone, a, func() {
			c.printf("%d: %s", a.index, c.name(a.index))
			c.printAddr(a)
		})
	case unix.RTM_NEWROUTE:
		r, err := c.readRoute(m.Data)
		if err != nil || !c.wanted(r.family) {
			return err
		}
		return c.change(gone, r, func() { c.printRoute(r) })
	case unix.RTM_NEWNEIGH:
		n, err := c.readNeigh(m.Data)
		if err != nil || !c.wanted(n.family) {
			return err
		}
		return c.change(gone, n, func() { c.printNeigh(n) })
	}
	return nil
}

// change writes what is new, or gone.
func (c *command) change(gone string, v any, text func()) error {
	if c.JSON {
		return c.print(struct {
			Deleted bool `json:"deleted,omitempty"`
			Change  any  `json:"change"`
		}{gone != "", v}, nil)
	}
	c.printf("%s", gone)
	text()
	return nil
}
