package posix

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	table "dataplane/sock/options"

	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// skipped are options that cannot be tried beside others.
var skipped = map[string]bool{
	"SO_PEERPIDFD": true, // the kernel opens a descriptor for each answer
}

// unequal are options whose values need not be the same on two machines, or in two runs.
var unequal = map[string]bool{
	"SO_COOKIE": true, "SO_INCOMING_CPU": true, "SO_INCOMING_NAPI_ID": true, "SO_MEMINFO": true,
	"TCP_INFO": true, "TCP_CONGESTION": true, "IP_PROTOCOL": true, "SO_PEERNAME": true, "TCP_TIMESTAMP": true, "SO_NETNS_COOKIE": true, "TCP_CC_INFO": true,
}

// An optionValue is what an option is set to, after another.
type optionValue struct {
	name      string
	v, before []byte
}

func anInt(x int) []byte { return native.AppendUint32(nil, uint32(x)) }

// usual are ints that an option is there for.
var usual = map[string][]int{
	"SO_RCVBUF": {5000, 100000}, "SO_SNDBUF": {5000, 100000}, "SO_RCVBUFFORCE": {5000, 100000}, "SO_SNDBUFFORCE": {5000, 100000},
	"SO_PRIORITY": {6, 7}, "SO_BINDTOIFINDEX": {99}, "IP_TOS": {0x10, 0xb8, 255, 256}, "IP_TTL": {64, 255, 256},
	"IPV6_UNICAST_HOPS": {64, 255, 256}, "IPV6_TCLASS": {0xb8, 255, 256}, "IPV6_MULTICAST_HOPS": {255, 256}, "IP_MULTICAST_TTL": {255, 256},
	"IP_MTU_DISCOVER, IP_PMTUDISC": {3, 4, 5, 6}, "IPV6_MTU_DISCOVER": {3, 4, 5, 6}, "IP_MINTTL": {255, 256}, "IPV6_MINHOPCOUNT": {255, 256},
	"IP_LOCAL_PORT_RANGE": {40000 | 41000<<16, 41000 | 40000<<16, 40000}, "TCP_MAXSEG": {87, 88, 536, 1000, 32767, 32768},
	"TCP_KEEPIDLE": {7200, 32767, 32768}, "TCP_KEEPINTVL": {75, 32767, 32768}, "TCP_KEEPCNT": {9, 127, 128}, "TCP_SYNCNT": {6, 127, 128},
	"TCP_LINGER2": {60, 120, 121}, "TCP_DEFER_ACCEPT": {5, 30, 600}, "TCP_WINDOW_CLAMP": {5000, 100000}, "TCP_USER_TIMEOUT": {30000},
	"TCP_NOTSENT_LOWAT": {16384}, "SO_TIMESTAMPING, SO_TIMESTAMPING_OLD": {8, 16, 24, 1 << 4, 0x1ffff}, "SO_TIMESTAMPING_NEW": {24},
	"UDP_SEGMENT": {1400, 65535, 65536}, "IP_UNICAST_IF": {1 << 24, 99 << 24}, "IPV6_UNICAST_IF": {1 << 24, 99 << 24},
	"IP_MULTICAST_IF": {0x0100007f}, "IPV6_MULTICAST_IF": {99}, "SO_PEEK_OFF": {5}, "SO_BUSY_POLL": {50}, "SO_MAX_PACING_RATE": {1000000},
	"IPV6_CHECKSUM": {2, 3, 4}, "IPV6_ADDR_PREFERENCES": {4, 8, 0x800}, "PACKET_FANOUT": {1, 1 | 1<<16}, "TCP_RTO_MAX_MS": {999, 1000, 120000, 120001},
	"TCP_RTO_MIN_US": {5000, 200000}, "TCP_DELACK_MAX_US": {5000, 200000}, "SO_RCVLOWAT": {100}, "SO_INCOMING_CPU": {3}, "IPV6_MTU": {1279, 1280, 1400},
	"UDPLITE_SEND_CSCOV": {7, 8, 20, 65535, 65536}, "UDPLITE_RECV_CSCOV": {7, 8, 20, 65536}, "TCP_FASTOPEN": {5}, "UDP_ENCAP": {3, 9},
	"NETLINK_ADD_MEMBERSHIP": {5, 32, 33, 64}, "PACKET_TIMESTAMP": {24}, "PACKET_VNET_HDR_SZ": {10, 12}, "SO_BUF_LOCK": {3, 4},
	"IP_RECVFRAGSIZE": {5}, "SO_TXREHASH": {3}, "TCP_THIN_LINEAR_TIMEOUTS": {3}, "TCP_SAVE_SYN": {3},
}

// shaped are values of options that take no int.
var shaped = map[string][][]byte{
	"SO_LINGER":       {pair(0, 0), pair(1, 0), pair(1, 5), pair(0, 7), pair(1, -1), pair(5, 5)},
	"SO_BINDTODEVICE": {[]byte("lo"), []byte("lo\x00"), []byte("nosuch0\x00"), {0}, {}, []byte("toolongnameforadevice\x00")},
	"SO_ATTACH_FILTER, SO_GET_FILTER": {
		filter(unix.SockFilter{Code: unix.BPF_RET, K: 100}), filter(unix.SockFilter{Code: 0xffff}), make([]byte, 7), {},
		filter(unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 0}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_A}),
		filter(unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN}),
	},
	"TCP_CONGESTION":                         {[]byte("reno"), []byte("cubic\x00"), []byte("nosuch"), {}},
	"SO_TXTIME":                              {pair(1, 0), pair(11, 0), pair(1, 4)},
	"SO_MAX_PACING_RATE":                     {make([]byte, 8)},
	"TCP_ULP":                                {[]byte("nosuch")},
	"IP_OPTIONS":                             {{}, {1, 1, 1, 0}, {7, 3, 4, 0}, {0x94, 4, 0, 0}, make([]byte, 41)},
	"IPV6_PKTINFO":                           {append(in6("::"), anInt(0)...), append(in6("::1"), anInt(1)...), append(in6("::"), anInt(1)...), append(in6("::"), anInt(99)...), append(in6("2001:db8::77"), anInt(0)...)},
	"IPV6_HOPOPTS, IPV6_RXHOPOPTS":           {{}, {59, 0, 1, 4, 0, 0, 0, 0}, {59, 1, 1, 4, 0, 0, 0, 0}},
	"IPV6_DSTOPTS, IPV6_RXDSTOPTS":           {{}, {59, 0, 1, 4, 0, 0, 0, 0}},
	"IPV6_RTHDR":                             {{}, {59, 2, 0, 1, 0, 0, 0, 0}},
	"PACKET_ADD_MEMBERSHIP":                  {mreqPacket(1, unix.PACKET_MR_PROMISC), mreqPacket(1, unix.PACKET_MR_ALLMULTI), mreqPacket(99, unix.PACKET_MR_PROMISC), mreqPacket(1, 77), make([]byte, 8)},
	"PACKET_DROP_MEMBERSHIP":                 {mreqPacket(1, unix.PACKET_MR_PROMISC), make([]byte, 8)},
	"ICMP_FILTER":                            {anInt(1), anInt(-1), {1}, {}, make([]byte, 8)},
	"ICMPV6_FILTER":                          {make([]byte, 32), append(anInt(-1), make([]byte, 28)...), {1}, {}, make([]byte, 40)},
	"IP_ADD_MEMBERSHIP":                      {mreq("239.1.1.1", "127.0.0.1", -1), mreq("239.1.1.1", "0.0.0.0", 1), mreq("239.1.1.1", "0.0.0.0", 99), mreq("10.1.1.1", "127.0.0.1", -1), mreq("239.1.1.1", "9.9.9.9", -1), make([]byte, 4)},
	"IP_DROP_MEMBERSHIP":                     {mreq("239.1.1.1", "127.0.0.1", -1), mreq("10.1.1.1", "127.0.0.1", -1), make([]byte, 4)},
	"IP_ADD_SOURCE_MEMBERSHIP":               {mreqSource("239.1.1.1", "127.0.0.1", "10.0.0.9"), mreqSource("10.1.1.1", "127.0.0.1", "10.0.0.9"), make([]byte, 8)},
	"IP_DROP_SOURCE_MEMBERSHIP":              {mreqSource("239.1.1.1", "127.0.0.1", "10.0.0.9"), make([]byte, 8)},
	"IP_BLOCK_SOURCE":                        {mreqSource("239.1.1.1", "127.0.0.1", "10.0.0.9"), make([]byte, 8)},
	"IP_UNBLOCK_SOURCE":                      {mreqSource("239.1.1.1", "127.0.0.1", "10.0.0.9"), make([]byte, 8)},
	"IP_MSFILTER":                            {msfilter("239.1.1.1", "127.0.0.1", 1), msfilter("239.1.1.1", "127.0.0.1", 0, "10.0.0.9"), msfilter("239.1.1.1", "127.0.0.1", 2), make([]byte, 8)},
	"IPV6_ADD_MEMBERSHIP, IPV6_JOIN_GROUP":   {append(in6("ff15::1"), anInt(1)...), append(in6("ff15::1"), anInt(99)...), append(in6("2001:db8::1"), anInt(1)...), append(in6("ff15::1"), anInt(-1)...), make([]byte, 16)},
	"IPV6_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP": {append(in6("ff15::1"), anInt(1)...), append(in6("2001:db8::1"), anInt(1)...), make([]byte, 16)},
	"PACKET_FANOUT_DATA":                     {make([]byte, 8)},
	"TCP_FASTOPEN_KEY":                       {make([]byte, 16)},
}

// first is what a buffer of getsockopt holds before: some options read there what is asked
// for.
func first(r *table.Row, i int) byte {
	if r.Name == "IP_MSFILTER" && i < 8 {
		return mreq("239.1.1.1", "127.0.0.1", -1)[i]
	}
	return 0
}

// roomsFor are the lengths of the buffers that an option is read into.
func roomsFor(r *table.Row) []int {
	if r.Kind == table.Other || r.Kind == table.Linger || r.Kind == table.Time {
		return []int{0, 3, 8, 16, 64}
	}
	return []int{0, 1, 3, 4, 8}
}

// values are what an option is set to on a kind of socket.
func values(r *table.Row, k *kind) (all []optionValue) {
	add := func(name string, v []byte) { all = append(all, optionValue{name: name, v: v}) }
	for _, v := range shapedFor(r, k) {
		add(fmt.Sprintf("%x", v), v)
	}
	if r.Kind == table.Time {
		for _, t := range [][2]int{{0, 0}, {3, 0}, {0, 1000}, {-1, 0}, {0, -1}, {0, 1000000}, {1 << 62, 0}} {
			add(fmt.Sprint(t), native.AppendUint64(native.AppendUint64(nil, uint64(t[0])), uint64(t[1])))
		}
		add("8 bytes", make([]byte, 8))
		return all
	}
	if len(all) > 0 && r.Kind == table.Other {
		return all
	}
	add("no bytes", []byte{})
	add("a byte", []byte{1})
	add("3 bytes", []byte{1, 0, 0})
	for _, x := range append([]int{0, 1, 2, -1, 1 << 30}, usual[r.Name]...) {
		if x == 2 && strings.Contains(r.Name, "_IF") {
			x = 98 // there may be two interfaces
		}
		add(fmt.Sprint(x), anInt(x))
	}
	if r.Mode == table.Both {
		all = append(all, optionValue{name: "1 and 0", v: anInt(0), before: anInt(1)})
	}
	return all
}

// shapedFor are the values of r that are no ints.
func shapedFor(r *table.Row, k *kind) [][]byte {
	group, source := "239.1.1.1", "10.0.0.9"
	if k.family == unix.AF_INET6 {
		group, source = "ff15::1", "2001:db8::9"
	}
	switch r.Name {
	case "MCAST_JOIN_GROUP", "MCAST_LEAVE_GROUP":
		return [][]byte{groupReq(1, group), groupReq(99, group), groupReq(1, source), make([]byte, 8)}
	case "MCAST_JOIN_SOURCE_GROUP", "MCAST_LEAVE_SOURCE_GROUP", "MCAST_BLOCK_SOURCE", "MCAST_UNBLOCK_SOURCE":
		return [][]byte{groupReq(1, group, source), groupReq(99, group, source), make([]byte, 8)}
	case "MCAST_MSFILTER":
		return [][]byte{append(groupReq(1, group), pair(1, 0)...), append(groupReq(1, group), pair(0, 0)...), append(groupReq(1, group), pair(7, 0)...), make([]byte, 8)}
	}
	return shaped[r.Name]
}

func pair(a, b int) []byte { return append(anInt(a), anInt(b)...) }

func filter(prog ...unix.SockFilter) (b []byte) {
	for _, i := range prog {
		b = native.AppendUint16(b, i.Code)
		b = native.AppendUint32(append(b, i.Jt, i.Jf), i.K)
	}
	return b
}

func in4(a string) []byte { return netip.MustParseAddr(a).AsSlice() }
func in6(a string) []byte { return netip.MustParseAddr(a).AsSlice() }

// mreq is a struct ip_mreq, or with an index a struct ip_mreqn.
func mreq(group, iface string, index int) []byte {
	b := append(in4(group), in4(iface)...)
	if index >= 0 {
		b = append(b, anInt(index)...)
	}
	return b
}

func mreqSource(group, iface, source string) []byte {
	return append(mreq(group, iface, -1), in4(source)...)
}

func msfilter(group, iface string, mode int, sources ...string) []byte {
	b := append(mreq(group, iface, -1), pair(mode, len(sources))...)
	for _, s := range sources {
		b = append(b, in4(s)...)
	}
	return b
}

func mreqPacket(iface, typ int) []byte {
	b := native.AppendUint16(anInt(iface), uint16(typ))
	return append(b, make([]byte, 10)...)
}

// groupReq is a struct group_req, or with a source a struct group_source_req.
func groupReq(index int, addrs ...string) []byte {
	b := append(anInt(index), 0, 0, 0, 0)
	for _, s := range addrs {
		a, at := netip.MustParseAddr(s), make([]byte, 128)
		if a.Is4() {
			native.PutUint16(at, unix.AF_INET)
			copy(at[4:], a.AsSlice())
		} else {
			native.PutUint16(at, unix.AF_INET6)
			copy(at[8:], a.AsSlice())
		}
		b = append(b, at...)
	}
	return b
}
