package posix

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// packetCases is the program's part about AF_PACKET.
var packetCases = []testCase{
	{"packet: socket", once, casePacketSocket}, {"packet: names", once, casePacketNames}, {"packet: calls it has not", once, casePacketNone},
	{"packet: raw frames", once, casePacketRaw}, {"packet: frames without head", once, casePacketDgram},
	{"packet: flags", once, casePacketFlags}, {"packet: sending", once, casePacketSend}, {"packet: sending without head", once, casePacketSendDgram},
	{"packet: statistics", once, casePacketStats}, {"packet: control messages", once, casePacketControl},
	{"packet: filters", once, casePacketFilter}, {"packet: memberships", once, casePacketMembers}, {"packet: fanout", once, casePacketFanout},
	{"packet: readiness", once, casePacketPoll},
}

// packetReasons tells why the plane differs.
var packetReasons = map[string]string{
	"packet: sending/urgent: ENOTSUP":      flagReason,
	"packet: memberships/type 9: EINVAL":   "a type that nobody knows has no effect, and is refused",
	"packet: memberships/and back: EINVAL": "as above",
}

const flagReason = "a flag without effect is refused"

func local4(port int) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
}

// swap16 is a number of the host's order in the network's.
func swap16(v int) int {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], uint16(v))
	return int(binary.NativeEndian.Uint16(b[:]))
}

// ifindex is the number of an interface.
func (p *program) ifindex(name string) int {
	p.Helper()
	s := p.socket(unix.SOCK_DGRAM)
	ifr, err := unix.NewIfreq(name)
	p.must(err)
	p.must(p.u.IoctlIfreq(s, unix.SIOCGIFINDEX, ifr))
	return int(ifr.Uint32())
}

// mtu is what an interface carries.
func (p *program) mtu(name string) int {
	p.Helper()
	ifr, err := unix.NewIfreq(name)
	p.must(err)
	p.must(p.u.IoctlIfreq(p.socket(unix.SOCK_DGRAM), unix.SIOCGIFMTU, ifr))
	return int(ifr.Uint32())
}

// packet is a packet socket that hears a protocol on the loopback.
func (p *program) packet(typ, proto int) (fd, lo int) {
	p.Helper()
	lo = p.ifindex("lo")
	fd = p.keep(p.u.Socket(unix.AF_PACKET, typ, 0))
	p.must(p.u.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(swap16(proto)), Ifindex: lo}))
	return fd, lo
}

// link is what of an address of AF_PACKET does not change from run to run.
func link(sa unix.Sockaddr) string {
	a, ok := sa.(*unix.SockaddrLinklayer)
	if !ok {
		return fmt.Sprintf("%T", sa)
	}
	return fmt.Sprintf("proto %#x on %v type %d kind %d %x", swap16(int(a.Protocol)), a.Ifindex != 0, a.Hatype, a.Pkttype, a.Addr[:a.Halen])
}

// frame says what the next frame is: its length, its first bytes and where it is from.
func (p *program) frame(what string, fd, room, show, flags int) {
	p.Helper()
	b, oob := make([]byte, room), make([]byte, 256)
	if flags&unix.MSG_DONTWAIT == 0 {
		p.wait(fd, unix.POLLIN)
	}
	n, _, got, from, err := p.u.Recvmsg(fd, b, oob, flags|unix.MSG_DONTWAIT)
	p.n(fmt.Sprintf("%s %x flags %#x from %s", what, b[:min(show, max(n, 0))], got, link(from)), n, err)
}

// nothing wants no frame to come.
func (p *program) nothing(what string, fd int) {
	p.Helper()
	p.settle(1)
	_, _, err := p.u.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
	p.err(what, err)
}

// datagram sends some bytes over the loopback, to a socket that is there.
func (p *program) datagram(b string) {
	p.Helper()
	_, c, sa := p.dgrams()
	_, err := p.u.SendmsgN(c, []byte(b), nil, sa, 0)
	p.must(err)
}

func casePacketSocket(p *program) {
	for _, c := range [][2]int{
		{unix.SOCK_RAW, 0}, {unix.SOCK_DGRAM, 0}, {unix.SOCK_STREAM, 0}, {unix.SOCK_SEQPACKET, 0}, {14, 0},
		{unix.SOCK_RAW, swap16(unix.ETH_P_IP)}, {unix.SOCK_DGRAM | unix.SOCK_NONBLOCK, swap16(unix.ETH_P_ALL)}, {unix.SOCK_RAW, -1},
	} {
		fd, err := p.u.Socket(unix.AF_PACKET, c[0], c[1])
		p.err(fmt.Sprint("socket ", c), err)
		if err != nil {
			continue
		}
		p.keep(fd, nil)
		for _, o := range []int{unix.SO_TYPE, unix.SO_DOMAIN, unix.SO_PROTOCOL, unix.SO_ERROR, unix.SO_ACCEPTCONN} {
			v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, o)
			p.n(fmt.Sprint("option ", o), v, err)
		}
		sa, err := p.u.Getsockname(fd)
		p.err("name "+link(sa), err)
	}
	_, err := p.u.Socketpair(unix.AF_PACKET, unix.SOCK_RAW, 0)
	p.err("socketpair", err)
}

func casePacketNames(p *program) {
	lo := p.ifindex("lo")
	fd := p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0))
	name := func(what string) {
		sa, err := p.u.Getsockname(fd)
		p.err(what+" "+link(sa), err)
	}
	name("a new one")
	p.err("bind to nobody", p.u.Bind(fd, &unix.SockaddrLinklayer{Ifindex: 9999}))
	name("is still")
	p.err("bind to a negative one", p.u.Bind(fd, &unix.SockaddrLinklayer{Ifindex: -1}))
	p.err("bind to IPv4", p.u.Bind(fd, local4(0)))
	p.err("bind to all", p.u.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(swap16(unix.ETH_P_IP))}))
	name("bound to all")
	p.err("bind to the loopback", p.u.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(swap16(unix.ETH_P_ALL)), Ifindex: lo}))
	name("bound")
	p.err("bind without protocol", p.u.Bind(fd, &unix.SockaddrLinklayer{Ifindex: lo}))
	name("bound again")
	_, err := p.u.Getpeername(fd)
	p.err("getpeername", err)
}

func casePacketNone(p *program) {
	fd, lo := p.packet(unix.SOCK_RAW, unix.ETH_P_ALL)
	p.err("connect", p.u.Connect(fd, &unix.SockaddrLinklayer{Ifindex: lo}))
	p.err("listen", p.u.Listen(fd, 1))
	_, _, err := p.u.Accept(fd)
	p.err("accept", err)
	p.err("shutdown", p.u.Shutdown(fd, unix.SHUT_RDWR))
	p.err("shutdown in no way", p.u.Shutdown(fd, 7))
	for _, r := range []uint{unix.TIOCINQ, unix.SIOCOUTQ, unix.SIOCATMARK} {
		n, err := p.u.IoctlGetInt(fd, r)
		p.n(fmt.Sprintf("ioctl %#x", r), n, err)
	}
}

func casePacketRaw(p *program) {
	all, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_ALL)
	four, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	six, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IPV6)
	p.datagram("hello")
	p.frame("it leaves", all, 2000, 14, 0)
	p.frame("it comes", all, 2000, 14, 0)
	p.nothing("no more", all)
	p.frame("its protocol", four, 2000, 14, 0)
	p.nothing("no more", four)
	p.nothing("of another protocol", six)
	p.must(p.u.SetsockoptInt(all, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1))
	p.datagram("again")
	p.frame("only what comes", all, 2000, 14, 0)
	p.nothing("no more", all)
	late := p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0))
	p.datagram("unheard")
	p.nothing("of no protocol", late)
}

func casePacketDgram(p *program) {
	fd, _ := p.packet(unix.SOCK_DGRAM, unix.ETH_P_IP)
	p.datagram("hello")
	p.frame("without its head", fd, 2000, 4, 0)
	p.nothing("no more", fd)
}

func casePacketFlags(p *program) {
	fd, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	p.frame("nothing", fd, 100, 0, unix.MSG_DONTWAIT)
	p.frame("no errors", fd, 100, 0, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	p.frame("urgent", fd, 100, 0, unix.MSG_OOB|unix.MSG_DONTWAIT)
	for range 4 {
		p.datagram("hello")
	}
	p.wait(fd, unix.POLLIN)
	n, err := p.u.IoctlGetInt(fd, unix.TIOCINQ)
	p.n("FIONREAD", n, err)
	p.frame("look", fd, 10, 10, unix.MSG_PEEK)
	p.frame("look at its length", fd, 10, 10, unix.MSG_PEEK|unix.MSG_TRUNC)
	p.frame("all of it", fd, 100, 14, unix.MSG_WAITALL)
	p.frame("cut", fd, 10, 10, 0)
	p.frame("cut, its length", fd, 10, 10, unix.MSG_TRUNC)
	k, _, err := p.u.Recvfrom(fd, make([]byte, 8), unix.MSG_DONTWAIT)
	p.n("recvfrom", k, err)
	p.datagram("hello")
	p.wait(fd, unix.POLLIN)
	k, err = p.u.Read(fd, make([]byte, 100))
	p.n("read", k, err)
}

// etherFrame is a frame of a protocol that nobody knows.
func etherFrame(n int) []byte {
	b := make([]byte, max(n, 14))
	copy(b, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x88\xb5")
	return b[:n]
}

const protoTest = 0x88b5 // for local experiments (IEEE 802)

func casePacketSend(p *program) {
	fd, lo := p.packet(unix.SOCK_RAW, protoTest)
	hear, _ := p.packet(unix.SOCK_RAW, protoTest)
	to := &unix.SockaddrLinklayer{Ifindex: lo}
	send := func(what string, fd int, b []byte, sa unix.Sockaddr, flags int) {
		p.Helper()
		n, err := p.u.SendmsgN(fd, b, nil, sa, flags)
		p.n(what, n, err)
	}
	send("send", fd, etherFrame(60), nil, 0)
	p.frame("heard", hear, 2000, 20, 0)
	p.frame("by who sent it, too", fd, 2000, 20, 0)
	send("send to", fd, etherFrame(60), to, unix.MSG_DONTWAIT)
	p.frame("heard", hear, 2000, 20, 0)
	send("only a head", fd, etherFrame(14), nil, 0)
	p.frame("heard", hear, 2000, 20, 0)
	send("less than a head", fd, etherFrame(13), nil, 0)
	send("nothing", fd, nil, nil, 0)
	n, err := p.u.SendmsgN(fd, etherFrame(p.mtu("lo")+14), nil, nil, 0)
	p.err(fmt.Sprint("all that the link carries ", n > 65535), err)
	send("too much", fd, etherFrame(p.mtu("lo")+15), nil, 0)
	send("urgent", fd, etherFrame(60), nil, unix.MSG_OOB)
	send("to nobody", fd, etherFrame(60), &unix.SockaddrLinklayer{Ifindex: 9999}, 0)
	send("to all", fd, etherFrame(60), &unix.SockaddrLinklayer{}, 0)
	send("to IPv4", fd, etherFrame(60), local4(9), 0)
	send("unbound", p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)), etherFrame(60), nil, 0)
	n, err = p.u.Write(fd, etherFrame(60))
	p.n("write", n, err)
	n, err = p.u.Writev(fd, [][]byte{etherFrame(14), []byte("abc"), nil, []byte("d")})
	p.n("writev", n, err)
}

func casePacketSendDgram(p *program) {
	fd, lo := p.packet(unix.SOCK_DGRAM, protoTest)
	hear, _ := p.packet(unix.SOCK_RAW, protoTest)
	send := func(what string, sa unix.Sockaddr) {
		p.Helper()
		n, err := p.u.SendmsgN(fd, []byte("hello"), nil, sa, 0)
		p.n(what, n, err)
		if err == nil {
			p.frame("heard", hear, 2000, 20, 0)
		}
	}
	a := &unix.SockaddrLinklayer{Protocol: uint16(swap16(protoTest)), Ifindex: lo, Halen: 6, Addr: [8]byte{2, 3, 4, 5, 6, 7}}
	send("to a station", a)
	b := *a
	b.Halen = 0
	send("to a station without its length", &b)
	b.Halen = 8
	send("to a longer one", &b)
	b.Halen = 9
	send("to a too long one", &b)
	send("to the loopback itself", nil)
	n, err := p.u.SendmsgN(fd, nil, nil, a, 0)
	p.n("nothing", n, err)
	_, err = p.u.SendmsgN(fd, make([]byte, p.mtu("lo")), nil, a, 0)
	p.err("all that the link carries", err)
	_, err = p.u.SendmsgN(fd, make([]byte, p.mtu("lo")+1), nil, a, 0)
	p.err("too much", err)
}

func casePacketStats(p *program) {
	fd, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	stats := func(what string) {
		p.Helper()
		p.settle(1)
		st, err := p.u.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		p.err(fmt.Sprintf("%s %+v", what, *st), err)
	}
	stats("none")
	p.datagram("a")
	p.datagram("b")
	stats("two")
	stats("and they are forgotten")
	p.err("set", p.u.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS, 1))
	_, err := p.u.GetsockoptInt(fd, unix.SOL_PACKET, 9999)
	p.err("get an unknown option", err)
	p.err("set an unknown option", p.u.SetsockoptInt(fd, unix.SOL_PACKET, 9999, 1))
	_, err = p.u.GetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL)
	p.err("get of another level", err)
	p.err("set of another level", p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, 1))
}

func casePacketControl(p *program) {
	fd, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	get := func(what string, room int) {
		p.Helper()
		p.datagram("hello")
		p.wait(fd, unix.POLLIN)
		b, oob := make([]byte, 2000), make([]byte, room)
		n, k, flags, _, err := p.u.Recvmsg(fd, b, oob, unix.MSG_DONTWAIT)
		all, _ := unix.ParseSocketControlMessage(oob[:k])
		for _, m := range all {
			what += fmt.Sprintf(" %d/%d of %d", m.Header.Level, m.Header.Type, len(m.Data))
			if m.Header.Level == unix.SOL_PACKET { // its status says who looked at checksums
				what += fmt.Sprintf(" %x", m.Data[4:])
			}
		}
		p.n(fmt.Sprintf("%s flags %#x", what, flags), n, err)
	}
	get("none", 256)
	for _, o := range [][2]int{{unix.SOL_PACKET, unix.PACKET_AUXDATA}, {unix.SOL_SOCKET, unix.SO_TIMESTAMP}, {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}} {
		p.err("ask", p.u.SetsockoptInt(fd, o[0], o[1], 1))
		get("with", 256)
		v, err := p.u.GetsockoptInt(fd, o[0], o[1])
		p.n("option", v, err)
	}
	v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP)
	p.n("the other time", v, err)
	get("no room", 8)
}

func casePacketFilter(p *program) {
	fd, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	attach := func(what string, f ...unix.SockFilter) {
		p.Helper()
		prog := &unix.SockFprog{Len: uint16(len(f))}
		if len(f) > 0 {
			prog.Filter = &f[0]
		}
		p.err(what, p.u.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, prog))
	}
	p.err("there is none", p.u.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0))
	attach("without an end", unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS})
	attach("an unknown one", unix.SockFilter{Code: 0xffff})
	attach("nothing", unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
	p.datagram("hello")
	p.nothing("nothing", fd)
	attach("a part", unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 20})
	p.datagram("hello")
	p.frame("a part", fd, 100, 14, 0)
	p.datagram("hello")
	p.frame("a part's length", fd, 10, 10, unix.MSG_TRUNC)
	attach("by length", unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_A})
	p.datagram("hello")
	p.frame("all", fd, 100, 14, 0)
	const ext = 0xfffff000 // SKF_AD_OFF
	for _, c := range []struct {
		what string
		k    uint32
		is   uint32
	}{
		{"protocol", ext, unix.ETH_P_IP}, {"another protocol", ext, unix.ETH_P_IPV6}, {"kind", ext + 4, unix.PACKET_HOST}, {"interface", ext + 8, uint32(p.ifindex("lo"))},
		{"hardware", ext + 28, unix.ARPHRD_LOOPBACK}, {"tag", ext + 44, 0}, {"tag there", ext + 48, 0}, {"tag there", ext + 48, 1},
	} { // and then the frame's protocol, where it stands
		attach(c.what, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: c.k},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: c.is, Jt: 1}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 15},
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IP, Jt: 1}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 17},
			unix.SockFilter{Code: unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH, K: 14}, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_IND, K: 14 + 5},
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN}, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_SUB | unix.BPF_K, K: 20}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_A})
		p.datagram("hello")
		p.frame("so much", fd, 100, 14, 0)
	}
	p.err("lock", p.u.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 1))
	attach("locked", unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
	p.err("detach", p.u.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0))
	p.err("unlock", p.u.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER, 0))
	v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_LOCK_FILTER)
	p.n("locked", v, err)
}

func casePacketMembers(p *program) {
	fd, lo := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	do := func(what string, opt int, m unix.PacketMreq) {
		p.Helper()
		p.err(what, p.u.SetsockoptPacketMreq(fd, unix.SOL_PACKET, opt, &m))
	}
	group := unix.PacketMreq{Ifindex: int32(lo), Type: unix.PACKET_MR_MULTICAST, Alen: 6, Address: [8]byte{1, 0, 0x5e, 0, 0, 9}}
	do("join a group", unix.PACKET_ADD_MEMBERSHIP, group)
	do("join it again", unix.PACKET_ADD_MEMBERSHIP, group)
	do("leave it", unix.PACKET_DROP_MEMBERSHIP, group)
	do("leave it again", unix.PACKET_DROP_MEMBERSHIP, group)
	do("leave it once more", unix.PACKET_DROP_MEMBERSHIP, group)
	for _, typ := range []uint16{unix.PACKET_MR_PROMISC, unix.PACKET_MR_ALLMULTI, unix.PACKET_MR_UNICAST, 9} {
		do(fmt.Sprint("type ", typ), unix.PACKET_ADD_MEMBERSHIP, unix.PacketMreq{Ifindex: int32(lo), Type: typ, Alen: 6})
		do("and back", unix.PACKET_DROP_MEMBERSHIP, unix.PacketMreq{Ifindex: int32(lo), Type: typ, Alen: 6})
	}
	do("of nobody", unix.PACKET_ADD_MEMBERSHIP, unix.PacketMreq{Ifindex: 9999, Type: unix.PACKET_MR_PROMISC})
	do("a short address", unix.PACKET_ADD_MEMBERSHIP, unix.PacketMreq{Ifindex: int32(lo), Type: unix.PACKET_MR_MULTICAST, Alen: 5})
	do("a long address", unix.PACKET_ADD_MEMBERSHIP, unix.PacketMreq{Ifindex: int32(lo), Type: unix.PACKET_MR_MULTICAST, Alen: 8})
	p.err("an int", p.u.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, 1))
	_, err := p.u.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP)
	p.err("get", err)
}

func casePacketFanout(p *program) {
	const group = 4711
	a, lo := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	b, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	c, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_ALL)
	fan := func(what string, fd, way, id int) {
		p.Helper()
		p.err(what, p.u.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, way<<16|id))
	}
	v, err := p.u.GetsockoptInt(a, unix.SOL_PACKET, unix.PACKET_FANOUT)
	p.n("none", v, err)
	fan("in an unknown way", a, 99, group)
	fan("in turns", a, unix.PACKET_FANOUT_LB, group)
	fan("again", a, unix.PACKET_FANOUT_LB, group)
	fan("in another way", b, unix.PACKET_FANOUT_HASH, group)
	fan("of another protocol", c, unix.PACKET_FANOUT_LB, group)
	fan("another", b, unix.PACKET_FANOUT_LB, group)
	v, err = p.u.GetsockoptInt(a, unix.SOL_PACKET, unix.PACKET_FANOUT)
	p.n("the group", v, err)
	p.err("bind", p.u.Bind(a, &unix.SockaddrLinklayer{Protocol: uint16(swap16(unix.ETH_P_IP)), Ifindex: lo}))
	fan("unbound", p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)), unix.PACKET_FANOUT_LB, group)
	for range 4 {
		p.datagram("hello")
	}
	p.settle(1)
	err = nil
	for _, fd := range []int{a, b} {
		n := 0
		for ; err == nil; n++ {
			_, _, err = p.u.Recvfrom(fd, make([]byte, 1), unix.MSG_DONTWAIT)
		}
		p.n("its part", n, nil)
		err = nil
	}
}

func casePacketPoll(p *program) {
	fd, _ := p.packet(unix.SOCK_RAW, unix.ETH_P_IP)
	p.ready("a new one", p.keep(p.u.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)), 0)
	p.ready("bound", fd, 0)
	p.datagram("hello")
	p.ready("a frame", fd, unix.POLLIN)
	ep := p.keep(p.u.EpollCreate1(0))
	p.ctl("add", ep, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLET, 1)
	p.evs("a frame", ep, 4, 0)
	p.datagram("hello")
	p.evs("another", ep, 4, 1000)
}
