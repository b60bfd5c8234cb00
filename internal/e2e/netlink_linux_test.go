package e2e

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"dataplane/api"
)

var native = binary.NativeEndian

// talker is a netlink socket of the plane or of the kernel.
type talker interface {
	send(b []byte) error
	receive(b []byte) (int, error)
}

type planeTalker struct {
	*api.Posix
	fd int
}

func (p planeTalker) send(b []byte) error {
	return p.Sendto(p.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func (p planeTalker) receive(b []byte) (int, error) {
	n, _, err := p.Recvfrom(p.fd, b, 0)
	return n, err
}

type kernelTalker int

func (k kernelTalker) send(b []byte) error {
	return unix.Sendto(int(k), b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func (k kernelTalker) receive(b []byte) (int, error) {
	n, _, err := unix.Recvfrom(int(k), b, 0)
	return n, err
}

// talkers are one of each.
func talkers(b *bed, protocol int) (plane, kernel talker) {
	b.Helper()
	u := b.plane.Posix()
	p, err := u.Socket(unix.AF_NETLINK, unix.SOCK_RAW, protocol)
	if err != nil {
		b.Fatal(err)
	}
	k, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(k) })
	return planeTalker{u, p}, kernelTalker(k)
}

// reply is one message of an answer.
type reply struct {
	typ  uint16
	data []byte
}

// askNetlink sends a request and returns the answers and the errno at the end.
func askNetlink(t *testing.T, k talker, req *nl.NetlinkRequest) (all []reply, errno unix.Errno) {
	t.Helper()
	if err := k.send(req.Serialize()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1<<17)
	for {
		n, err := k.receive(b)
		if err != nil {
			t.Fatal(err)
		}
		for rest := b[:n]; len(rest) >= unix.NLMSG_HDRLEN; {
			size := int(native.Uint32(rest))
			typ, data := native.Uint16(rest[4:]), slices.Clone(rest[unix.NLMSG_HDRLEN:size])
			rest = rest[min((size+3)&^3, len(rest)):]
			switch typ {
			case unix.NLMSG_DONE:
				return all, 0
			case unix.NLMSG_ERROR:
				return all, unix.Errno(-int32(native.Uint32(data)))
			}
			all = append(all, reply{typ, data})
		}
	}
}

// kinds gathers the attributes of the messages that keep says yes to.
func kinds(t *testing.T, all []reply, head int, keep func(b []byte) bool) map[uint16]bool {
	t.Helper()
	set := map[uint16]bool{}
	for _, r := range all {
		if len(r.data) < head || !keep(r.data) {
			continue
		}
		list, err := nl.ParseRouteAttr(r.data[head:])
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			set[a.Attr.Type&nl.NLA_TYPE_MASK] = true
		}
	}
	return set
}

// unlike are attributes of a link that the kernel has, more with each version, and a plane
// has nothing for: IFLA_MAP, AF_SPEC, and those about namespaces, switches, XDP, what
// segmentation may do, and how often the carrier went.
func unlike(typ uint16) bool {
	return typ == unix.IFLA_MAP || typ == unix.IFLA_AF_SPEC || typ > unix.IFLA_CARRIER && typ != unix.IFLA_MIN_MTU && typ != unix.IFLA_MAX_MTU
}

// The plane's answers have the attributes that the kernel's have to the same requests, but
// for those about what a plane does not have.
func TestNetlinkAttributes(t *testing.T) {
	b := newBed6(t)
	ping := func(to string) { tool(t, 20e9, "ping", "-c", "1", "-w", "10", to) }
	ping(planeIP)
	ping(planeIP6)
	plane, kernel := talkers(b, unix.NETLINK_ROUTE)
	any := func([]byte) bool { return true }
	ours := func(family byte) func([]byte) bool { return func(b []byte) bool { return b[0] == family } }
	main := func(family byte) func([]byte) bool {
		return func(b []byte) bool {
			return b[0] == family && b[4] == unix.RT_TABLE_MAIN && b[7] == unix.RTN_UNICAST
		}
	}
	tap := func(b []byte) bool { return native.Uint16(b[2:]) == unix.ARPHRD_ETHER }
	for _, c := range []struct {
		name    string
		typ     int
		body    nl.NetlinkRequestData
		head    int
		keep    func([]byte) bool
		without func(typ uint16) bool // those that only the kernel has
	}{
		{"link", unix.RTM_GETLINK, nl.NewIfInfomsg(unix.AF_UNSPEC), unix.SizeofIfInfomsg, tap, unlike},
		{"address", unix.RTM_GETADDR, nl.NewIfAddrmsg(unix.AF_INET), unix.SizeofIfAddrmsg, ours(unix.AF_INET), nil},
		{"address of IPv6", unix.RTM_GETADDR, nl.NewIfAddrmsg(unix.AF_INET6), unix.SizeofIfAddrmsg, ours(unix.AF_INET6), func(typ uint16) bool { return typ == 11 }},
		{"route", unix.RTM_GETROUTE, &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}}, unix.SizeofRtMsg, main(unix.AF_INET), nil},
		{"route of IPv6", unix.RTM_GETROUTE, &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET6}}, unix.SizeofRtMsg, main(unix.AF_INET6), nil},
		{"neighbour", unix.RTM_GETNEIGH, &netlink.Ndmsg{Family: unix.AF_INET}, 12, any, nil},
		{"neighbour of IPv6", unix.RTM_GETNEIGH, &netlink.Ndmsg{Family: unix.AF_INET6}, 12, any, nil},
	} {
		sets := [2]map[uint16]bool{}
		for i, k := range []talker{plane, kernel} {
			req := nl.NewNetlinkRequest(c.typ, unix.NLM_F_DUMP)
			req.AddData(c.body)
			all, errno := askNetlink(t, k, req)
			if errno != 0 {
				t.Fatalf("%s: %v", c.name, errno)
			}
			sets[i] = kinds(t, all, c.head, c.keep)
		}
		for typ := range sets[0] {
			if !sets[1][typ] {
				t.Errorf("%s: the kernel has no attribute %d", c.name, typ)
			}
		}
		for typ := range sets[1] {
			if !sets[0][typ] && (c.without == nil || !c.without(typ)) {
				t.Errorf("%s: the plane has no attribute %d", c.name, typ)
			}
		}
	}
}

// What is refused is refused with the kernel's errno.
func TestNetlinkErrnos(t *testing.T) {
	b := newBed(t)
	plane, kernel := talkers(b, unix.NETLINK_ROUTE)
	kernelIndex, err := netlink.LinkByName(device)
	if err != nil {
		t.Fatal(err)
	}
	addr := func(index int, s string, bits uint8) []nl.NetlinkRequestData {
		a := netip.MustParseAddr(s)
		m := nl.NewIfAddrmsg(nl.GetIPFamily(a.AsSlice()))
		m.Prefixlen, m.Index = bits, uint32(index)
		return []nl.NetlinkRequestData{m, nl.NewRtAttr(unix.IFA_LOCAL, a.AsSlice())}
	}
	route := func(index int, dst string, bits uint8, gw string) []nl.NetlinkRequestData {
		m := nl.NewRtMsg()
		m.Family, m.Dst_len, m.Scope = unix.AF_INET, bits, unix.RT_SCOPE_UNIVERSE
		out := []nl.NetlinkRequestData{m, nl.NewRtAttr(unix.RTA_DST, netip.MustParseAddr(dst).AsSlice())}
		if gw != "" {
			out = append(out, nl.NewRtAttr(unix.RTA_GATEWAY, netip.MustParseAddr(gw).AsSlice()))
		}
		if index != 0 {
			out = append(out, nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
		}
		return out
	}
	link := func(index int, attrs ...*nl.RtAttr) []nl.NetlinkRequestData {
		m := nl.NewIfInfomsg(unix.AF_UNSPEC)
		m.Index = int32(index)
		out := []nl.NetlinkRequestData{m}
		for _, a := range attrs {
			out = append(out, a)
		}
		return out
	}
	create, excl := unix.NLM_F_CREATE, unix.NLM_F_CREATE|unix.NLM_F_EXCL
	for _, c := range []struct {
		name       string
		typ, flags int
		body       func(index int, own, far string) []nl.NetlinkRequestData
	}{
		{"an address again", unix.RTM_NEWADDR, excl, func(i int, own, _ string) []nl.NetlinkRequestData { return addr(i, own, 24) }},
		{"an address of no link", unix.RTM_NEWADDR, excl, func(int, string, string) []nl.NetlinkRequestData { return addr(99, "10.7.0.1", 24) }},
		{"an address with too many bits", unix.RTM_NEWADDR, excl, func(i int, _, _ string) []nl.NetlinkRequestData { return addr(i, "10.7.0.1", 33) }},
		{"deleting no address", unix.RTM_DELADDR, 0, func(i int, _, _ string) []nl.NetlinkRequestData { return addr(i, "10.7.0.1", 24) }},
		{"a route by a far gateway", unix.RTM_NEWROUTE, excl, func(int, string, string) []nl.NetlinkRequestData { return route(0, "10.8.0.0", 16, "10.66.0.1") }},
		{"a route by no link", unix.RTM_NEWROUTE, excl, func(int, string, string) []nl.NetlinkRequestData { return route(99, "10.8.0.0", 16, "") }},
		{"a route by nothing", unix.RTM_NEWROUTE, excl, func(int, string, string) []nl.NetlinkRequestData { return route(0, "10.8.0.0", 16, "") }},
		{"a route", unix.RTM_NEWROUTE, excl, func(i int, _, far string) []nl.NetlinkRequestData { return route(i, "10.8.0.0", 16, far) }},
		{"the route again", unix.RTM_NEWROUTE, excl, func(i int, _, far string) []nl.NetlinkRequestData { return route(i, "10.8.0.0", 16, far) }},
		{"deleting the route", unix.RTM_DELROUTE, 0, func(i int, _, _ string) []nl.NetlinkRequestData { return route(0, "10.8.0.0", 16, "") }},
		{"deleting it again", unix.RTM_DELROUTE, 0, func(i int, _, _ string) []nl.NetlinkRequestData { return route(0, "10.8.0.0", 16, "") }},
		{"changing no route", unix.RTM_NEWROUTE, unix.NLM_F_REPLACE, func(i int, _, far string) []nl.NetlinkRequestData { return route(i, "10.8.0.0", 16, far) }},
		{"the way to nowhere", unix.RTM_GETROUTE, 0, func(int, string, string) []nl.NetlinkRequestData { return route(0, "10.99.0.1", 32, "") }},
		{"a link that is not there", unix.RTM_GETLINK, 0, func(int, string, string) []nl.NetlinkRequestData { return link(99) }},
		{"a link without a name", unix.RTM_GETLINK, 0, func(int, string, string) []nl.NetlinkRequestData { return link(0) }},
		{"the MTU of a link that is not there", unix.RTM_NEWLINK, 0, func(int, string, string) []nl.NetlinkRequestData {
			return link(99, nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(1400)))
		}},
		{"too large an MTU", unix.RTM_NEWLINK, 0, func(i int, _, _ string) []nl.NetlinkRequestData {
			return link(i, nl.NewRtAttr(unix.IFLA_MTU, nl.Uint32Attr(1<<20)))
		}},
		{"a neighbour without an address", unix.RTM_NEWNEIGH, create, func(i int, _, _ string) []nl.NetlinkRequestData {
			return []nl.NetlinkRequestData{&netlink.Ndmsg{Family: unix.AF_INET, Index: uint32(i), State: netlink.NUD_PERMANENT}}
		}},
		{"no such type", 250, 0, func(int, string, string) []nl.NetlinkRequestData { return link(0) }},
	} {
		got := [2]unix.Errno{}
		for i, k := range []talker{plane, kernel} {
			req := nl.NewNetlinkRequest(c.typ, c.flags|unix.NLM_F_ACK)
			index, own, far := 1, planeIP, kernelIP
			if i == 1 {
				index, own, far = kernelIndex.Attrs().Index, kernelIP, planeIP
			}
			for _, d := range c.body(index, own, far) {
				req.AddData(d)
			}
			_, got[i] = askNetlink(t, k, req)
		}
		if got[0] != got[1] {
			t.Errorf("%s: the plane says %v, the kernel %v", c.name, fmt.Sprint(got[0]), fmt.Sprint(got[1]))
		}
	}
}
