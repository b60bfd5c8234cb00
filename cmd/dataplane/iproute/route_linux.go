package iproute

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// routeInfo is a route as it is shown.
type routeInfo struct {
	Type     string   `json:"type,omitempty"`
	Dst      string   `json:"dst"`
	Gateway  string   `json:"gateway,omitempty"`
	Dev      string   `json:"dev"`
	Table    string   `json:"table,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Scope    string   `json:"scope,omitempty"`
	PrefSrc  string   `json:"prefsrc,omitempty"`
	Metric   uint32   `json:"metric,omitempty"`
	MTU      uint32   `json:"mtu,omitempty"`
	Pref     string   `json:"pref,omitempty"`
	Flags    []string `json:"flags"`

	table  uint32
	cloned bool
	family uint8
}

var (
	protocols = map[uint8]string{2: "kernel", 3: "boot", 4: "static", 9: "ra", 16: "dhcp"}
	kinds     = map[uint8]string{unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_MULTICAST: "multicast", unix.RTN_ANYCAST: "anycast"}
	tables    = map[string]uint32{"main": unix.RT_TABLE_MAIN, "local": unix.RT_TABLE_LOCAL, "all": 0}
)

// readRoute reads a message about a route.
func (c *command) readRoute(b []byte) (*routeInfo, error) {
	a, err := parse(b, unix.SizeofRtMsg)
	if err != nil {
		return nil, err
	}
	msg := nl.DeserializeRtMsg(b)
	k := &routeInfo{
		Type: kinds[msg.Type], Dst: "default", Gateway: shown(a.addr(unix.RTA_GATEWAY)), Dev: c.name(int(a.u32(unix.RTA_OIF))),
		Protocol: protocols[msg.Protocol], PrefSrc: shown(a.addr(unix.RTA_PREFSRC)), Metric: a.u32(unix.RTA_PRIORITY), Flags: []string{},
		table: a.u32(unix.RTA_TABLE), cloned: msg.Flags&unix.RTM_F_CLONED != 0, family: msg.Family,
	}
	if dst := a.addr(unix.RTA_DST); dst.IsValid() {
		if k.Dst = dst.String(); int(msg.Dst_len) < dst.BitLen() {
			k.Dst = netip.PrefixFrom(dst, int(msg.Dst_len)).String()
		}
	}
	if msg.Scope != unix.RT_SCOPE_UNIVERSE {
		k.Scope = scopes[msg.Scope]
	}
	if k.table == unix.RT_TABLE_LOCAL {
		k.Table = "local"
	}
	if msg.Flags&unix.RTNH_F_ONLINK != 0 {
		k.Flags = append(k.Flags, "onlink")
	}
	if m, err := parse(a[unix.RTA_METRICS], 0); err == nil {
		k.MTU = m.u32(unix.RTAX_MTU)
	}
	if msg.Family == unix.AF_INET6 {
		k.Pref = "medium"
	}
	return k, nil
}

// printRoute writes a route.
func (c *command) printRoute(r *routeInfo) {
	if r.Type != "" {
		c.printf("%s ", r.Type)
	}
	c.printf("%s", r.Dst)
	if r.Gateway != "" {
		c.printf(" via %s", r.Gateway)
	}
	c.printf(" dev %s", r.Dev)
	if r.Table != "" && !r.cloned {
		c.printf(" table %s", r.Table)
	}
	if !r.cloned && r.Protocol != "" {
		c.printf(" proto %s", r.Protocol)
	}
	if r.Scope != "" && !r.cloned {
		c.printf(" scope %s", r.Scope)
	}
	if r.PrefSrc != "" {
		c.printf(" src %s", r.PrefSrc)
	}
	if r.Metric != 0 {
		c.printf(" metric %d", r.Metric)
	}
	for _, f := range r.Flags {
		c.printf(" %s", f)
	}
	if r.MTU != 0 {
		c.printf(" mtu %d", r.MTU)
	}
	if r.Pref != "" {
		c.printf(" pref %s", r.Pref)
	}
	c.printf("\n")
	if r.cloned && r.family == unix.AF_INET {
		c.printf("    cache\n")
	}
}

// showRoutes is `ip route show`.
func (c *command) showRoutes() error {
	table, dev := uint32(unix.RT_TABLE_MAIN), ""
	for c.more() {
		w := c.word()
		v, err := c.value(w)
		if err != nil {
			return err
		}
		switch w {
		case "table":
			t, ok := tables[v]
			if !ok {
				return Usage{fmt.Errorf("%q is no table: main, local or all", v)}
			}
			table = t
		case "dev":
			dev = v
		default:
			return unknown(w)
		}
	}
	family := c.Family
	if family == 0 && table != 0 { // as iproute2
		family = unix.AF_INET
	}
	msg := nl.NewRtMsg()
	msg.Family = uint8(family)
	req := nl.NewNetlinkRequest(unix.RTM_GETROUTE, unix.NLM_F_DUMP)
	req.AddData(msg)
	answers, err := c.k.Do(req)
	if err != nil {
		return err
	}
	all := []*routeInfo{}
	for _, m := range answers {
		r, err := c.readRoute(m.Data)
		if err != nil {
			return err
		}
		if (table == 0 || r.table == table) && (dev == "" || r.Dev == dev) {
			if table != 0 {
				r.Table = ""
			}
			all = append(all, r)
		}
	}
	return c.print(all, func() {
		for _, r := range all {
			c.printRoute(r)
		}
	})
}

// route is `ip route`.
func (c *command) route(verb string) error {
	flags, typ := 0, unix.RTM_NEWROUTE
	switch verb {
	case "show":
		return c.showRoutes()
	case "get":
		return c.getRoute()
	case "add":
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case "replace":
		flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	case "change":
		flags = unix.NLM_F_REPLACE
	case "del":
		typ = unix.RTM_DELROUTE
	default:
		return Usage{fmt.Errorf("ip route: want show, get, add, replace, change or del, not %s", verb)}
	}
	msg := nl.NewRtMsg()
	msg.Scope = unix.RT_SCOPE_UNIVERSE
	if typ == unix.RTM_DELROUTE {
		msg = nl.NewRtDelMsg()
		msg.Table = unix.RT_TABLE_MAIN
	}
	req := nl.NewNetlinkRequest(typ, flags)
	req.AddData(msg)
	if err := c.routeWords(msg, req); err != nil {
		return err
	}
	_, err := c.k.Do(req)
	return err
}

// routeWords reads what describes a route.
func (c *command) routeWords(msg *nl.RtMsg, req *nl.NetlinkRequest) error {
	dst := c.word()
	if dst == "" {
		return Usage{fmt.Errorf("ip route: which destination?")}
	}
	family := uint8(c.Family)
	if dst != "default" && dst != "any" && dst != "all" {
		p, err := prefix(dst)
		if err != nil {
			return err
		}
		family, msg.Dst_len = familyOf(p.Addr()), uint8(p.Bits())
		req.AddData(nl.NewRtAttr(unix.RTA_DST, p.Masked().Addr().AsSlice()))
	}
	for c.more() {
		w := c.word()
		if w == "onlink" {
			msg.Flags |= unix.RTNH_F_ONLINK
			continue
		}
		v, err := c.value(w)
		if err != nil {
			return err
		}
		switch w {
		case "via", "src":
			a, err := address(v)
			if err != nil {
				return err
			}
			if family == 0 {
				family = familyOf(a)
			}
			typ := unix.RTA_GATEWAY
			if w == "src" {
				typ = unix.RTA_PREFSRC
			}
			req.AddData(nl.NewRtAttr(typ, a.AsSlice()))
		case "dev":
			index, err := c.index(v)
			if err != nil {
				return err
			}
			req.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
		case "metric", "preference", "mtu":
			if err := routeNumber(w, v, req); err != nil {
				return err
			}
		default:
			return unknown(w)
		}
	}
	if family == 0 {
		family = unix.AF_INET
	}
	msg.Family = family
	return nil
}

// routeNumber reads the metric or the MTU of a route.
func routeNumber(w, v string, req *nl.NetlinkRequest) error {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return Usage{fmt.Errorf("%s %q is no number", w, v)}
	}
	if w != "mtu" {
		req.AddData(nl.NewRtAttr(unix.RTA_PRIORITY, nl.Uint32Attr(uint32(n))))
		return nil
	}
	metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
	metrics.AddRtAttr(unix.RTAX_MTU, nl.Uint32Attr(uint32(n)))
	req.AddData(metrics)
	return nil
}

// getRoute is `ip route get`.
func (c *command) getRoute() error {
	msg := nl.NewRtMsg()
	req := nl.NewNetlinkRequest(unix.RTM_GETROUTE, 0)
	req.AddData(msg)
	if err := c.routeWords(msg, req); err != nil {
		return err
	}
	answers, err := c.k.Do(req)
	if err != nil {
		return err
	}
	all := []*routeInfo{}
	for _, m := range answers {
		r, err := c.readRoute(m.Data)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	return c.print(all, func() {
		for _, r := range all {
			c.printRoute(r)
		}
	})
}
