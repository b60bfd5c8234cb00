package posix

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// icmpFilter sets ICMP_FILTER.
func (p *program) icmpFilter(fd int, bits uint32) {
	p.Helper()
	p.err(fmt.Sprintf("filter %#x", bits), p.u.SetsockoptInt(fd, 255, 1, int(int32(bits))))
}

func caseRawFilter(p *program) {
	fd := p.raw(unix.AF_INET, unix.IPPROTO_ICMP)
	p.icmpFilter(fd, 1<<8)
	v, err := p.u.GetsockoptInt(fd, 255, 1)
	p.n("ICMP_FILTER", v, err)
	p.sendto("send", fd, echo(8, 0, 7, true, "hello"), local4(0), 0)
	p.message("the answer", fd, 200, 0, packet4)
	p.nothing("no more", fd)
	p.icmpFilter(fd, 0xffffffff)
	p.sendto("send", fd, echo(8, 0, 7, true, "hello"), local4(0), 0)
	p.nothing("nothing", fd)
	p.sendto("an unknown type", fd, echo(99, 0, 7, true, "hello"), local4(0), 0)
	p.message("heard", fd, 200, 0, packet4)
	p.icmpFilter(p.raw(unix.AF_INET, 200), 1)
	_, err = p.u.GetsockoptInt(p.raw(unix.AF_INET, 200), 255, 1)
	p.err("of another protocol", err)
	_, err = p.u.GetsockoptInt(fd, 255, 2)
	p.err("an unknown option", err)
	p.err("an unknown option", p.u.SetsockoptInt(fd, 255, 2, 1))
	p.icmpFilter(p.socket(unix.SOCK_DGRAM), 1)
}

func caseRawFilter6(p *program) {
	fd := p.raw(unix.AF_INET6, unix.IPPROTO_ICMPV6)
	f, err := p.u.GetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER)
	p.err(fmt.Sprintf("at first %x", f.Data), err)
	var none unix.ICMPv6Filter
	for i := range none.Data {
		none.Data[i] = 0xffffffff
	}
	none.Data[4] &^= 1 << 1 // 129
	p.err("only answers", p.u.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &none))
	f, err = p.u.GetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER)
	p.err(fmt.Sprintf("then %x", f.Data), err)
	p.sendto("send", fd, echo(128, 0, 7, false, "hello"), local6(0), 0)
	p.message("the answer", fd, 200, 0, hex)
	p.nothing("no more", fd)
	other := p.raw(unix.AF_INET6, 200)
	p.err("of another protocol", p.u.SetsockoptICMPv6Filter(other, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &none))
	_, err = p.u.GetsockoptInt(fd, unix.IPPROTO_ICMPV6, 9)
	p.err("an unknown option", err)
	p.err("an unknown option", p.u.SetsockoptInt(fd, unix.IPPROTO_ICMPV6, 9, 1))
}

func caseRawChecksum(p *program) {
	set := func(what string, fd, level, at int) {
		p.Helper()
		p.err(what, p.u.SetsockoptInt(fd, level, unix.IPV6_CHECKSUM, at))
		v, err := p.u.GetsockoptInt(fd, level, unix.IPV6_CHECKSUM)
		p.n("IPV6_CHECKSUM", v, err)
	}
	fd, hear := p.raw(unix.AF_INET6, 200), p.raw(unix.AF_INET6, 200)
	v, err := p.u.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM)
	p.n("at first", v, err)
	set("odd", fd, unix.IPPROTO_IPV6, 3)
	set("less than none", fd, unix.IPPROTO_IPV6, -5)
	set("by the other level", fd, 255, 4)
	p.sendto("send", fd, []byte("abcdefgh"), local6(0), 0)
	p.message("with its checksum", hear, 200, 0, hex)
	p.sendto("too short", fd, []byte("abcde"), local6(0), 0)
	p.nothing("nothing", hear)
	p.message("its own", fd, 200, 0, hex)
	p.sendto("send a wrong one", hear, []byte("abcdefgh"), local6(0), 0)
	p.message("heard by who does not look", hear, 200, 0, hex)
	p.nothing("but not by who does", fd)
	set("of ICMPv6", p.raw(unix.AF_INET6, unix.IPPROTO_ICMPV6), unix.IPPROTO_IPV6, 2)
	set("of ICMPv6 elsewhere", p.raw(unix.AF_INET6, unix.IPPROTO_ICMPV6), unix.IPPROTO_IPV6, 4)
	set("of ICMPv6 by the other level", p.raw(unix.AF_INET6, unix.IPPROTO_ICMPV6), 255, 4)
	set("of datagrams", p.keep(p.u.Socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)), unix.IPPROTO_IPV6, 4)
}

// came says which control messages come with the next message.
func (p *program) came(what string, fd int) {
	p.Helper()
	p.wait(fd, unix.POLLIN)
	b, oob := make([]byte, 2000), make([]byte, 512)
	n, k, flags, _, err := p.u.Recvmsg(fd, b, oob, unix.MSG_DONTWAIT)
	all, _ := unix.ParseSocketControlMessage(oob[:k])
	for _, m := range all {
		d := m.Data
		if m.Header.Type == unix.IP_PKTINFO && m.Header.Level == unix.IPPROTO_IP {
			d = d[4:] // without the interface
		}
		if m.Header.Type == unix.IPV6_PKTINFO && m.Header.Level == unix.IPPROTO_IPV6 {
			d = d[:16]
		}
		what += fmt.Sprintf(" %d/%d:%x", m.Header.Level, m.Header.Type, d)
	}
	p.n(fmt.Sprintf("%s flags %#x", what, flags), n, err)
}

func caseRawControl(p *program) {
	fd := p.raw(unix.AF_INET, 200)
	for _, o := range []int{unix.IP_PKTINFO, unix.IP_RECVTTL, unix.IP_RECVTOS, unix.IP_RECVORIGDSTADDR} {
		p.err(fmt.Sprint("ask for ", o), p.u.SetsockoptInt(fd, unix.IPPROTO_IP, o, 1))
		p.sendto("send", fd, []byte("hello"), local4(0), 0)
		p.came("with", fd)
	}
	cmsg := func(what string, typ int, data ...byte) {
		b := make([]byte, unix.CmsgSpace(len(data)))
		binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
		binary.NativeEndian.PutUint32(b[12:], uint32(typ))
		copy(b[unix.CmsgLen(0):], data)
		n, err := p.u.SendmsgN(fd, []byte("hello"), b, local4(0), 0)
		p.n(what, n, err)
		if err == nil {
			p.came("with", fd)
		}
	}
	cmsg("a TTL", unix.IP_TTL, 7, 0, 0, 0)
	cmsg("no TTL", unix.IP_TTL, 0, 0, 0, 0)
	cmsg("a TOS", unix.IP_TOS, 0x28, 0, 0, 0)
	cmsg("a source", unix.IP_PKTINFO, 0, 0, 0, 0, 127, 0, 0, 9, 0, 0, 0, 0)
	cmsg("no source of ours", unix.IP_PKTINFO, 0, 0, 0, 0, 192, 0, 2, 9, 0, 0, 0, 0)
	cmsg("unknown", 99, 1, 2, 3, 4)
}

func caseRawControl6(p *program) {
	fd := p.raw(unix.AF_INET6, 200)
	for _, o := range []int{unix.IPV6_RECVPKTINFO, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVTCLASS} {
		p.err(fmt.Sprint("ask for ", o), p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, o, 1))
		p.sendto("send", fd, []byte("x"), local6(0), 0)
		p.came("with", fd)
	}
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 9))
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0x28))
	p.sendto("send", fd, []byte("x"), local6(0), 0)
	p.came("with", fd)
}

// udpHead is a UDP header to a port, without checksum.
func udpHead(port uint16, data string) []byte {
	return append([]byte{0x12, 0x34, byte(port >> 8), byte(port), 0, byte(8 + len(data)), 0, 0}, data...)
}

// trouble says what the error queue holds.
func (p *program) trouble(what string, fd int) {
	p.Helper()
	b, oob := make([]byte, 200), make([]byte, 512)
	n, k, flags, from, err := p.u.Recvmsg(fd, b, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	all, _ := unix.ParseSocketControlMessage(oob[:k])
	for _, m := range all {
		what += fmt.Sprintf(" %d/%d:%x", m.Header.Level, m.Header.Type, m.Data)
	}
	p.n(fmt.Sprintf("%s %x flags %#x of %s", what, b[:max(n, 0)], flags, name(from)), n, err)
}

func caseRawErrors(p *program) {
	fd, con := p.raw(unix.AF_INET, unix.IPPROTO_UDP), p.raw(unix.AF_INET, unix.IPPROTO_UDP)
	p.must(p.u.SetsockoptInt(con, unix.IPPROTO_IP, unix.IP_TTL, 33))
	p.sendto("to a closed port", fd, udpHead(9, "hello"), local4(0), 0)
	p.message("its own", fd, 200, 0, packet4)
	v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("no error of who is not connected", v, err)
	p.must(p.u.Connect(con, local4(0)))
	p.sendto("connected", con, udpHead(9, "hello"), nil, 0)
	p.ready("an error", con, unix.POLLERR)
	p.message("the error comes first", con, 200, 0, packet4)
	p.message("its own", con, 200, 0, packet4)
	v, err = p.u.GetsockoptInt(con, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("the error", v, err)
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1))
	p.trouble("nothing yet", fd)
	p.sendto("again", fd, udpHead(9, "hello"), local4(0), 0)
	p.ready("an error", fd, unix.POLLERR)
	p.read("read", fd, 1)
	p.trouble("trouble", fd)
	p.trouble("no more", fd)
}

func caseRawErrors6(p *program) {
	fd := p.raw(unix.AF_INET6, unix.IPPROTO_UDP)
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_CHECKSUM, 6))
	p.must(p.u.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1))
	p.sendto("to a closed port", fd, udpHead(9, "hello"), local6(0), 0)
	p.ready("an error", fd, unix.POLLERR)
	v, err := p.u.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	p.n("the error", v, err)
	p.trouble("trouble", fd)
	p.trouble("no more", fd)
	p.message("its own", fd, 200, 0, hex)
}

func caseRawPoll(p *program) {
	fd := p.raw(unix.AF_INET, 200)
	p.ready("a new one", fd, 0)
	p.sendto("send", fd, []byte("x"), local4(0), 0)
	p.ready("a packet", fd, unix.POLLIN)
	p.must(p.u.Connect(fd, local4(0)))
	p.err("shutdown", p.u.Shutdown(fd, unix.SHUT_RDWR))
	p.ready("shut", fd, 0)
}
