package iproute

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// addrInfo is an address of a link as it is shown.
type addrInfo struct {
	Family    string `json:"family"`
	Local     string `json:"local"`
	Bits      int    `json:"prefixlen"`
	Broadcast string `json:"broadcast,omitempty"`
	Scope     string `json:"scope"`
	Dynamic   bool   `json:"dynamic,omitempty"`
	Secondary bool   `json:"secondary,omitempty"`
	Temporary bool   `json:"temporary,omitempty"`
	Tentative bool   `json:"tentative,omitempty"`
	DADFailed bool   `json:"dadfailed,omitempty"`
	Deprecat  bool   `json:"deprecated,omitempty"`
	Label     string `json:"label,omitempty"`
	Valid     uint32 `json:"valid_life_time"`
	Preferred uint32 `json:"preferred_life_time"`

	index  int
	family uint8
}

// scopes are the names of what an address or a route is good for.
var scopes = map[uint8]string{unix.RT_SCOPE_UNIVERSE: "global", unix.RT_SCOPE_SITE: "site", unix.RT_SCOPE_LINK: "link", unix.RT_SCOPE_HOST: "host"}

// readAddr reads a message about an address.
func readAddr(b []byte) (*addrInfo, error) {
	a, err := parse(b, unix.SizeofIfAddrmsg)
	if err != nil {
		return nil, err
	}
	msg := nl.DeserializeIfAddrmsg(b)
	local := a.addr(unix.IFA_LOCAL)
	if !local.IsValid() {
		local = a.addr(unix.IFA_ADDRESS)
	}
	k := &addrInfo{
		Family: "inet6", Local: shown(local), Bits: int(msg.Prefixlen), Broadcast: shown(a.addr(unix.IFA_BROADCAST)),
		Scope: scopes[msg.Scope], Label: nl.BytesToString(append(a[unix.IFA_LABEL], 0)), index: int(msg.Index), family: msg.Family,
	}
	if msg.Family == unix.AF_INET {
		k.Family = "inet"
	}
	flags := a.u32(unix.IFA_FLAGS)
	k.Temporary, k.Tentative = flags&unix.IFA_F_TEMPORARY != 0 && msg.Family == unix.AF_INET6, flags&unix.IFA_F_TENTATIVE != 0
	k.Secondary = flags&unix.IFA_F_SECONDARY != 0 && msg.Family == unix.AF_INET
	k.DADFailed, k.Deprecat = flags&unix.IFA_F_DADFAILED != 0, flags&unix.IFA_F_DEPRECATED != 0
	k.Dynamic = flags&unix.IFA_F_PERMANENT == 0
	if info := a[unix.IFA_CACHEINFO]; len(info) >= 8 {
		k.Preferred, k.Valid = native.Uint32(info), native.Uint32(info[4:])
	}
	return k, nil
}

// addAddrs asks for the addresses and gives them to their links.
func (c *command) addAddrs(links []*linkInfo) error {
	req := nl.NewNetlinkRequest(unix.RTM_GETADDR, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfAddrmsg(c.Family))
	answers, err := c.k.Do(req)
	if err != nil {
		return err
	}
	for _, m := range answers {
		a, err := readAddr(m.Data)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Index == a.index && c.wanted(a.family) {
				l.Addrs = append(l.Addrs, a)
			}
		}
	}
	return nil
}

func lifetime(s uint32) string {
	if s == 1<<32-1 {
		return "forever"
	}
	return strconv.FormatUint(uint64(s), 10) + "sec"
}

// printAddr writes an address.
func (c *command) printAddr(a *addrInfo) {
	c.printf("    %s %s/%d", a.Family, a.Local, a.Bits)
	if a.Broadcast != "" {
		c.printf(" brd %s", a.Broadcast)
	}
	c.printf(" scope %s", a.Scope)
	for _, f := range []struct {
		on   bool
		name string
	}{{a.Secondary, "secondary"}, {a.Temporary, "temporary"}, {a.Deprecat, "deprecated"}, {a.Tentative, "tentative"}, {a.DADFailed, "dadfailed"}, {a.Dynamic, "dynamic"}} {
		if f.on {
			c.printf(" %s", f.name)
		}
	}
	if a.Label != "" {
		c.printf(" %s", a.Label)
	}
	c.printf("\n       valid_lft %s preferred_lft %s\n", lifetime(a.Valid), lifetime(a.Preferred))
}

// addr is `ip addr`.
func (c *command) addr(verb string) error {
	flags, typ := 0, unix.RTM_NEWADDR
	switch verb {
	case "show":
		return c.showLinks(true)
	case "add":
		flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	case "replace", "change":
		flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	case "del":
		typ = unix.RTM_DELADDR
	default:
		return Usage{fmt.Errorf("ip addr: want show, add, replace or del, not %s", verb)}
	}
	var p netip.Prefix
	var name string
	var how uint8
	var err error
	for c.more() && err == nil {
		switch w := c.word(); {
		case w == "dev":
			name, err = c.value(w)
		case w == "local":
		case w == "nodad":
			how = unix.IFA_F_NODAD
		case !p.IsValid():
			p, err = prefix(w)
		default:
			err = unknown(w)
		}
	}
	if err != nil {
		return err
	}
	if !p.IsValid() || name == "" {
		return Usage{fmt.Errorf("ip addr %s: want ADDRESS/BITS dev DEVICE [nodad]", verb)}
	}
	index, err := c.index(name)
	if err != nil {
		return err
	}
	msg := nl.NewIfAddrmsg(int(familyOf(p.Addr())))
	msg.Prefixlen, msg.Index, msg.Flags = uint8(p.Bits()), uint32(index), how
	req := nl.NewNetlinkRequest(typ, flags)
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, p.Addr().AsSlice()))
	_, err = c.k.Do(req)
	return err
}
