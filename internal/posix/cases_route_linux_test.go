package posix

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// routeCases are what NETLINK_ROUTE tells and does.
var routeCases = []testCase{
	{"rtnetlink: links", once, caseRouteLinks},
	{"rtnetlink: addresses", once, caseRouteAddrs},
	{"rtnetlink: routes", once, caseRouteRoutes},
	{"rtnetlink: neighbours", once, caseRouteNeigh},
	{"rtnetlink: news", once, caseRouteNews},
}

var routeReasons = map[string]string{
	"rtnetlink: addresses/take away: error flags 0x100 own asked ok about 21 of 16 bytes":             "an address goes alone, as in Linux with net.ipv4.conf.*.promote_secondaries",
	"rtnetlink: neighbours/one that was seen: error flags 0x0 own asked ENOTSUP about 28 of 48 bytes": "only permanent ones are set by hand",
}

const (
	reqAck   = unix.NLM_F_ACK
	reqNew   = unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_EXCL
	reqMaybe = unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_REPLACE
)

func ifinfo(index int, flags, change uint32) []byte {
	b := append(make([]byte, 4), native.AppendUint32(nil, uint32(index))...)
	b = native.AppendUint32(b, flags)
	return native.AppendUint32(b, change)
}

func ifaddr(family, bits byte, index int) []byte {
	return append([]byte{family, bits, 0, 0}, native.AppendUint32(nil, uint32(index))...)
}

// rtmsg is a route's: of the main table, by hand, to anywhere, to one.
func rtmsg(family, bits, scope byte) []byte {
	return []byte{family, bits, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, scope, unix.RTN_UNICAST, 0, 0, 0, 0}
}

func ndmsg(family byte, index int, state uint16) []byte {
	b := append([]byte{family, 0, 0, 0}, native.AppendUint32(nil, uint32(index))...)
	return append(native.AppendUint16(b, state), 0, 0)
}

// about shows messages that have one of these in them.
func about(parts ...string) func(string) bool {
	return func(m string) bool {
		for _, s := range parts {
			if strings.Contains(m, s) {
				return true
			}
		}
		return strings.HasPrefix(m, "done") || strings.HasPrefix(m, "error")
	}
}

func caseRouteLinks(p *program) {
	k := p.nl(0)
	lo, v0 := p.ifindex("lo"), p.ifindex("v0")
	mine := about(" lo ", " v0 ")
	k.ask("all", unix.RTM_GETLINK, unix.NLM_F_DUMP, mine, ifinfo(0, 0, 0))
	k.ask("by number", unix.RTM_GETLINK, 0, nil, ifinfo(lo, 0, 0))
	k.ask("by name", unix.RTM_GETLINK, reqAck, nil, ifinfo(0, 0, 0), attribute(unix.IFLA_IFNAME, []byte("v0\x00")...))
	k.ask("of no number", unix.RTM_GETLINK, 0, nil, ifinfo(9999, 0, 0))
	k.ask("of a negative number", unix.RTM_GETLINK, 0, nil, ifinfo(-1, 0, 0))
	k.ask("of no name", unix.RTM_GETLINK, 0, nil, ifinfo(0, 0, 0), attribute(unix.IFLA_IFNAME, []byte("nobody\x00")...))
	k.ask("of too long a name", unix.RTM_GETLINK, 0, nil, ifinfo(0, 0, 0), attribute(unix.IFLA_IFNAME, []byte("nobody-at-all-of-that-name\x00")...))
	k.ask("a short message", unix.RTM_GETLINK, 0, nil, make([]byte, 4))
	k.ask("an MTU", unix.RTM_NEWLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 1400))
	k.ask("too small an MTU", unix.RTM_NEWLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 10))
	k.ask("too great an MTU", unix.RTM_NEWLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 70000))
	k.ask("the MTU again", unix.RTM_SETLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 1500))
	k.ask("set nobody", unix.RTM_SETLINK, reqAck, nil, ifinfo(9999, 0, 0), attribute32(unix.IFLA_MTU, 1500))
	k.ask("change what is", unix.RTM_NEWLINK, reqNew, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 1500))
	k.ask("down", unix.RTM_NEWLINK, reqAck, nil, ifinfo(v0, 0, unix.IFF_UP))
	k.ask("it is down", unix.RTM_GETLINK, 0, nil, ifinfo(v0, 0, 0))
	k.ask("up", unix.RTM_NEWLINK, reqAck, nil, ifinfo(v0, unix.IFF_UP, unix.IFF_UP))
	k.ask("it is up", unix.RTM_GETLINK, 0, nil, ifinfo(v0, 0, 0))
}

var (
	at4  = []byte{10, 7, 7, 7}
	next = []byte{10, 7, 7, 1}
	at6  = []byte{0x20, 1, 0xd, 0xb8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}
	nxt6 = []byte{0x20, 1, 0xd, 0xb8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
)

func caseRouteAddrs(p *program) {
	k := p.nl(0)
	v0 := p.ifindex("v0")
	k.ask("at first", unix.RTM_GETADDR, unix.NLM_F_DUMP, nil, ifaddr(0, 0, 0))
	four := [][]byte{ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, at4...), attribute(unix.IFA_ADDRESS, at4...)}
	k.ask("add", unix.RTM_NEWADDR, reqNew, nil, four...)
	k.ask("add again", unix.RTM_NEWADDR, reqNew, nil, four...)
	k.ask("or replace", unix.RTM_NEWADDR, reqMaybe, nil, four...)
	k.ask("another of the subnet", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, 10, 7, 7, 8))
	k.ask("to nobody", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET, 24, 9999), attribute(unix.IFA_LOCAL, 10, 7, 7, 9))
	k.ask("none", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET, 24, v0))
	k.ask("too many bits", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET, 33, v0), attribute(unix.IFA_LOCAL, 10, 7, 7, 9))
	k.ask("of IPv4", unix.RTM_GETADDR, unix.NLM_F_DUMP, nil, ifaddr(unix.AF_INET, 0, 0))
	six := [][]byte{ifaddr(unix.AF_INET6, 64, v0), attribute(unix.IFA_LOCAL, at6...)}
	k.ask("of IPv6", unix.RTM_NEWADDR, reqNew, nil, six...)
	k.ask("again", unix.RTM_NEWADDR, reqNew, nil, six...)
	k.ask("a group", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET6, 64, v0), attribute(unix.IFA_LOCAL, append([]byte{0xff, 2}, make([]byte, 14)...)...))
	k.ask("of IPv6", unix.RTM_GETADDR, unix.NLM_F_DUMP, nil, ifaddr(unix.AF_INET6, 0, 0))
	k.ask("of a link", unix.RTM_GETADDR, unix.NLM_F_DUMP, nil, ifaddr(unix.AF_INET, 0, v0))
	for _, a := range []byte{7, 8, 9} {
		k.ask("take away", unix.RTM_DELADDR, reqAck, nil, ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, 10, 7, 7, a))
	}
	k.ask("take away", unix.RTM_DELADDR, reqAck, nil, six...)
	k.ask("take away again", unix.RTM_DELADDR, reqAck, nil, six...)
	k.ask("at the end", unix.RTM_GETADDR, unix.NLM_F_DUMP, nil, ifaddr(0, 0, 0))
}

func caseRouteRoutes(p *program) {
	k := p.nl(0)
	v0 := p.ifindex("v0")
	k.ask("an address", unix.RTM_NEWADDR, reqNew, nil, ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, at4...))
	k.ask("what it brings", unix.RTM_GETROUTE, unix.NLM_F_DUMP, about("0a0707"), rtmsg(unix.AF_INET, 0, 0))
	to := []byte{10, 99, 0, 0}
	by := func(parts ...[]byte) [][]byte {
		return append([][]byte{rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, to...)}, parts...)
	}
	gw := attribute(unix.RTA_GATEWAY, next...)
	k.ask("add", unix.RTM_NEWROUTE, reqNew, nil, by(gw)...)
	k.ask("add again", unix.RTM_NEWROUTE, reqNew, nil, by(gw)...)
	k.ask("of another metric", unix.RTM_NEWROUTE, reqNew, nil, by(gw, attribute32(unix.RTA_PRIORITY, 5))...)
	k.ask("replace", unix.RTM_NEWROUTE, reqMaybe, nil, by(attribute(unix.RTA_GATEWAY, 10, 7, 7, 2))...)
	k.ask("nowhere", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 98, 0, 0))
	k.ask("by a gateway that is nowhere", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 98, 0, 0), attribute(unix.RTA_GATEWAY, 192, 0, 2, 1))
	k.ask("with bits beyond its length", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 98, 0, 1), gw)
	k.ask("too many bits", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 33, 0), attribute(unix.RTA_DST, 10, 98, 0, 0), gw)
	k.ask("on a link that is not", unix.RTM_NEWROUTE, reqNew, nil, by(attribute32(unix.RTA_OIF, 9999))...)
	k.ask("from what is not ours", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 98, 0, 0), gw, attribute(unix.RTA_PREFSRC, 192, 0, 2, 1))
	far := [][]byte{rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 94, 0, 0), attribute(unix.RTA_GATEWAY, 192, 0, 2, 1)}
	far[0][8] = unix.RTNH_F_ONLINK
	k.ask("by a gateway that is on the link, of no name", unix.RTM_NEWROUTE, reqNew, nil, far...)
	far = append(far, attribute32(unix.RTA_OIF, uint32(v0)))
	k.ask("by a gateway that is on the link", unix.RTM_NEWROUTE, reqNew, nil, far...)
	for _, gw := range [][]byte{at4, {224, 0, 0, 1}, {255, 255, 255, 255}, {127, 0, 0, 9}} {
		far[1], far[2] = attribute(unix.RTA_DST, 10, 93, 0, 0), attribute(unix.RTA_GATEWAY, gw...)
		k.ask(fmt.Sprint("on the link, by ", gw), unix.RTM_NEWROUTE, reqNew, nil, far...)
	}
	k.ask("the default", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 0, 0), gw)
	k.ask("on the link", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 24, unix.RT_SCOPE_LINK), attribute(unix.RTA_DST, 10, 97, 0, 0), attribute32(unix.RTA_OIF, uint32(v0)))
	k.ask("all", unix.RTM_GETROUTE, unix.NLM_F_DUMP, about("0a6", " 05:0a0707"), rtmsg(unix.AF_INET, 0, 0))
	for _, d := range [][]byte{{10, 99, 1, 2}, {10, 94, 1, 2}, {10, 7, 7, 9}, {10, 7, 7, 7}, {10, 7, 7, 255}, {192, 0, 2, 1}, {127, 0, 0, 1}, {224, 0, 0, 9}} {
		k.ask(fmt.Sprint("to ", d), unix.RTM_GETROUTE, 0, nil, rtmsg(unix.AF_INET, 32, 0), attribute(unix.RTA_DST, d...))
	}
	for _, oif := range []uint32{0, 9999, 1 << 31} {
		k.ask(fmt.Sprint("by link ", oif), unix.RTM_GETROUTE, 0, nil, rtmsg(unix.AF_INET, 32, 0), attribute(unix.RTA_DST, 10, 99, 1, 2), attribute32(unix.RTA_OIF, oif))
		k.ask(fmt.Sprint("add, by link ", oif), unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 95, 0, 0), gw, attribute32(unix.RTA_OIF, oif))
	}
	k.ask("take away what was added", unix.RTM_DELROUTE, reqAck, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 95, 0, 0), attribute32(unix.RTA_OIF, 0))
	k.ask("take away what is not", unix.RTM_DELROUTE, reqAck, nil, rtmsg(unix.AF_INET, 16, 0), attribute(unix.RTA_DST, 10, 96, 0, 0))
	k.ask("by another gateway", unix.RTM_DELROUTE, reqAck, nil, by(attribute(unix.RTA_GATEWAY, 10, 7, 7, 3))...)
	k.ask("take away", unix.RTM_DELROUTE, reqAck, nil, by()...)
	k.ask("take away the other", unix.RTM_DELROUTE, reqAck, nil, by()...)
	k.ask("and no more", unix.RTM_DELROUTE, reqAck, nil, by()...)
	k.ask("the default, too", unix.RTM_DELROUTE, reqAck, nil, rtmsg(unix.AF_INET, 0, 0))
	k.ask("the address", unix.RTM_DELADDR, reqAck, nil, ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, at4...))
	k.ask("what is left", unix.RTM_GETROUTE, unix.NLM_F_DUMP, about("0a0707", "0a6"), rtmsg(unix.AF_INET, 0, 0))
	k.ask("to nowhere", unix.RTM_GETROUTE, 0, nil, rtmsg(unix.AF_INET, 32, 0), attribute(unix.RTA_DST, 10, 97, 0, 1))
}

func caseRouteNeigh(p *program) {
	k := p.nl(0)
	v0 := p.ifindex("v0")
	mac := attribute(unix.NDA_LLADDR, 2, 3, 4, 5, 6, 7)
	dst := attribute(unix.NDA_DST, next...)
	k.ask("at first", unix.RTM_GETNEIGH, unix.NLM_F_DUMP, about("0a0707"), ndmsg(0, 0, 0))
	k.ask("add", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), dst, mac)
	k.ask("add again", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), dst, mac)
	k.ask("replace", unix.RTM_NEWNEIGH, reqMaybe, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), dst, attribute(unix.NDA_LLADDR, 2, 3, 4, 5, 6, 8))
	k.ask("all", unix.RTM_GETNEIGH, unix.NLM_F_DUMP, about("0a0707"), ndmsg(0, 0, 0))
	k.ask("one", unix.RTM_GETNEIGH, 0, nil, ndmsg(unix.AF_INET, v0, 0), dst)
	k.ask("one that is not", unix.RTM_GETNEIGH, 0, nil, ndmsg(unix.AF_INET, v0, 0), attribute(unix.NDA_DST, 10, 7, 7, 2))
	k.ask("of IPv6", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET6, v0, unix.NUD_PERMANENT), attribute(unix.NDA_DST, nxt6...), mac)
	k.ask("all of IPv6", unix.RTM_GETNEIGH, unix.NLM_F_DUMP, about("20010db8"), ndmsg(unix.AF_INET6, 0, 0))
	k.ask("without a station", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), attribute(unix.NDA_DST, 10, 7, 7, 2))
	k.ask("of no address", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), mac)
	k.ask("on no link", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, 9999, unix.NUD_PERMANENT), dst, mac)
	k.ask("a short station", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), attribute(unix.NDA_DST, 10, 7, 7, 2), attribute(unix.NDA_LLADDR, 2, 3))
	k.ask("one that was seen", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_REACHABLE), attribute(unix.NDA_DST, 10, 7, 7, 3), mac)
	for _, a := range []byte{2, 3} { // the kernel made these, though it said no
		k.ask("forget what failed", unix.RTM_DELNEIGH, reqAck, func(string) bool { return false }, ndmsg(unix.AF_INET, v0, 0), attribute(unix.NDA_DST, 10, 7, 7, a))
	}
	k.ask("forget", unix.RTM_DELNEIGH, reqAck, nil, ndmsg(unix.AF_INET, v0, 0), dst)
	k.ask("forget again", unix.RTM_DELNEIGH, reqAck, nil, ndmsg(unix.AF_INET, v0, 0), dst)
	k.ask("forget that of IPv6", unix.RTM_DELNEIGH, reqAck, nil, ndmsg(unix.AF_INET6, v0, 0), attribute(unix.NDA_DST, nxt6...))
}

// news says what a socket hears of a group.
func (k *nl) news(what string, show func(string) bool) {
	k.Helper()
	b := make([]byte, 1<<16)
	var lines []string
	for {
		n, from, err := k.u.Recvfrom(k.fd, b, unix.MSG_DONTWAIT)
		if err != nil {
			break
		}
		group := uint32(0)
		if a, ok := from.(*unix.SockaddrNetlink); ok {
			group = a.Groups
		}
		for m := b[:n]; len(m) >= 16; m = m[min(int(native.Uint32(m)+3)&^3, len(m)):] {
			if l := k.shown(m[:native.Uint32(m)]); show == nil || show(l) {
				lines = append(lines, fmt.Sprintf("to %#x %s", group, l))
			}
		}
	}
	slices.Sort(lines)
	k.say("%s: %s", what, strings.Join(lines, "; "))
}

func caseRouteNews(p *program) {
	k, hear := p.nl(0), p.nl(0)
	v0 := p.ifindex("v0")
	const groups = 1<<(unix.RTNLGRP_LINK-1) | 1<<(unix.RTNLGRP_NEIGH-1) | 1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV4_ROUTE-1)
	p.must(p.u.Bind(hear.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}))
	four := [][]byte{ifaddr(unix.AF_INET, 24, v0), attribute(unix.IFA_LOCAL, at4...)}
	k.ask("an address", unix.RTM_NEWADDR, reqNew, nil, four...)
	hear.news("an address", nil)
	to := attribute(unix.RTA_DST, 10, 99, 0, 0)
	k.ask("a route", unix.RTM_NEWROUTE, reqNew, nil, rtmsg(unix.AF_INET, 16, 0), to, attribute(unix.RTA_GATEWAY, next...))
	hear.news("a route", nil)
	k.ask("replaced", unix.RTM_NEWROUTE, reqMaybe, nil, rtmsg(unix.AF_INET, 16, 0), to, attribute(unix.RTA_GATEWAY, 10, 7, 7, 2))
	hear.news("replaced", nil)
	k.ask("no route", unix.RTM_DELROUTE, reqAck, nil, rtmsg(unix.AF_INET, 16, 0), to)
	hear.news("no route", nil)
	k.ask("a neighbour", unix.RTM_NEWNEIGH, reqNew, nil, ndmsg(unix.AF_INET, v0, unix.NUD_PERMANENT), attribute(unix.NDA_DST, next...), attribute(unix.NDA_LLADDR, 2, 3, 4, 5, 6, 7))
	hear.news("a neighbour", nil)
	k.ask("no neighbour", unix.RTM_DELNEIGH, reqAck, nil, ndmsg(unix.AF_INET, v0, 0), attribute(unix.NDA_DST, next...))
	hear.news("no neighbour", nil)
	k.ask("an MTU", unix.RTM_SETLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 1400))
	hear.news("an MTU", nil)
	k.ask("the MTU", unix.RTM_SETLINK, reqAck, nil, ifinfo(v0, 0, 0), attribute32(unix.IFLA_MTU, 1500))
	hear.news("the MTU", nil)
	k.ask("no address", unix.RTM_DELADDR, reqAck, nil, four...)
	hear.news("no address", nil)
}
