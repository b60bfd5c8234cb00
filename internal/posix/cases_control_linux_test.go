package posix

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// controlCases are the control messages of IP.
var controlCases = []testCase{
	{"control messages received", internet, caseControl},
	{"room for control messages", internet, caseControlRoom},
	{"control messages sent", internet, caseControlSend},
	{"control messages that cannot be", every, caseControlBad},
	{"timestamps", internet, caseStamps},
	{"control messages of a stream", internet, caseControlStream},
}

var controlReasons = map[string]string{
	`control messages sent/IPV6_TCLASS -1, got "abc" [41.50: 000000000000000000000000000000016c6f6f70 41.52: 40000000 41.67: 00000000 41.74: 0a000000000000000000000000000000000000000000000100000000] flags 0x0 from true: 3`:  "-1 is the default (RFC 3542 6.5); Linux sends 255",
	`control messages sent/IPV6_HOPLIMIT 0, got "abc" [41.50: 000000000000000000000000000000016c6f6f70 41.52: 40000000 41.67: 00000000 41.74: 0a000000000000000000000000000000000000000000000100000000] flags 0x0 from true: 3`: "the default is taken where a packet could go nowhere",
}

const soTimestampNew, soTimestampNSNew, soTimestampingNew = 63, 64, 65

// cmsg is a control message as it is sent.
func cmsg(level, typ int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	binary.NativeEndian.PutUint32(b[8:], uint32(level))
	binary.NativeEndian.PutUint32(b[12:], uint32(typ))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func word(v int) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(v)) }

// controls says what is in b; what changes from run to run is hidden.
func (p *program) controls(b []byte) string {
	var out []string
	for len(b) >= unix.CmsgLen(0) {
		n := int(binary.NativeEndian.Uint64(b))
		if n < unix.CmsgLen(0) || n > len(b) {
			return fmt.Sprint(out, " and a length of ", n)
		}
		level, typ := int(binary.NativeEndian.Uint32(b[8:])), int(binary.NativeEndian.Uint32(b[12:]))
		out = append(out, fmt.Sprintf("%d.%d: %s", level, typ, p.data(level, typ, b[unix.CmsgLen(0):n])))
		b = b[min(unix.CmsgSpace(n-unix.CmsgLen(0)), len(b)):]
	}
	if len(b) > 0 {
		out = append(out, fmt.Sprint("and ", len(b)))
	}
	return fmt.Sprint(out)
}

func (p *program) data(level, typ int, b []byte) string {
	zero := func(from, to int) {
		if len(b) >= to {
			clear(b[from:to])
		}
	}
	switch [2]int{level, typ} {
	case [2]int{unix.IPPROTO_IP, unix.IP_PKTINFO}:
		if len(b) < 4 {
			clear(b) // the first of an index
		}
		if len(b) >= 4 && int(binary.NativeEndian.Uint32(b)) == p.loopback() {
			copy(b, "loop")
		}
	case [2]int{unix.IPPROTO_IPV6, unix.IPV6_PKTINFO}:
		if len(b) >= 20 && int(binary.NativeEndian.Uint32(b[16:])) == p.loopback() {
			copy(b[16:], "loop")
		}
	case [2]int{unix.IPPROTO_IP, unix.IP_ORIGDSTADDR}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_ORIGDSTADDR}:
		zero(2, 4)
	case [2]int{unix.SOL_SOCKET, unix.SO_TIMESTAMP}, [2]int{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}, [2]int{unix.SOL_SOCKET, unix.SO_TIMESTAMPING},
		[2]int{unix.SOL_SOCKET, soTimestampNew}, [2]int{unix.SOL_SOCKET, soTimestampNSNew}, [2]int{unix.SOL_SOCKET, soTimestampingNew}:
		if len(b) < 16 {
			break
		}
		at := time.Unix(int64(binary.NativeEndian.Uint64(b)), 0)
		return fmt.Sprintf("%d bytes, now: %v, %x", len(b), time.Since(at).Abs() < 10*time.Second, b[16:])
	case [2]int{unix.SOL_SOCKET, unix.SCM_RIGHTS}:
		return fmt.Sprint(len(b)/4, " descriptors")
	}
	return fmt.Sprintf("%x", b)
}

// loopback is the index of the loopback.
func (p *program) loopback() int {
	s := p.socket(unix.SOCK_DGRAM)
	ifr, err := unix.NewIfreq("lo")
	p.must(err)
	p.must(p.u.IoctlIfreq(s, unix.SIOCGIFINDEX, ifr))
	return int(ifr.Uint32())
}

// recvControl receives one message with room for so much control.
func (p *program) recvControl(what string, fd, room, flags int) {
	p.Helper()
	b, oob := make([]byte, 100), make([]byte, room)
	n, oobn, got, from, err := p.u.Recvmsg(fd, b, oob, flags|unix.MSG_DONTWAIT)
	p.n(fmt.Sprintf("%s %.20q %s flags %#x from %v", what, b[:max(n, 0)], p.controls(oob[:oobn]), got, from != nil), n, err)
}

// wants are the options that ask for control messages of IP.
func (p *program) wants() (o [][2]int) {
	if p.domain == unix.AF_INET || p.name == "IPv4 in IPv6" {
		o = [][2]int{
			{unix.IPPROTO_IP, unix.IP_PKTINFO}, {unix.IPPROTO_IP, unix.IP_RECVTTL},
			{unix.IPPROTO_IP, unix.IP_RECVTOS}, {unix.IPPROTO_IP, unix.IP_RECVORIGDSTADDR},
		}
	}
	if p.domain == unix.AF_INET6 {
		o = append(o, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT},
			[2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS}, [2]int{unix.IPPROTO_IPV6, unix.IPV6_RECVORIGDSTADDR})
	}
	return o
}

func caseControl(p *program) {
	s, c, sa := p.dgrams()
	p.must(p.u.Connect(c, sa))
	p.send("send", c, "none", 0)
	p.wait(s, unix.POLLIN)
	p.recvControl("nothing is wanted", s, 200, 0)
	for _, o := range p.wants() {
		p.err(fmt.Sprint("want ", o), p.u.SetsockoptInt(s, o[0], o[1], 1))
		p.send("send", c, "abc", 0)
		p.wait(s, unix.POLLIN)
		p.recvControl("got", s, 300, unix.MSG_PEEK)
		p.recvControl("got", s, 300, 0)
	}
	for _, o := range p.wants() {
		p.err(fmt.Sprint("want no more ", o), p.u.SetsockoptInt(s, o[0], o[1], 0))
	}
	p.send("send", c, "abc", 0)
	p.wait(s, unix.POLLIN)
	p.recvControl("nothing", s, 300, 0)
}

func caseControlRoom(p *program) {
	s, c, sa := p.dgrams()
	p.must(p.u.Connect(c, sa))
	for _, o := range p.wants() {
		p.must(p.u.SetsockoptInt(s, o[0], o[1], 1))
	}
	for _, room := range []int{0, 1, 15, 16, 17, 20, 24, 28, 31, 32, 40, 47, 48, 55, 56, 60, 64, 72, 79, 80, 100, 111, 112, 120} {
		p.send("send", c, "abc", 0)
		p.wait(s, unix.POLLIN)
		p.recvControl(fmt.Sprint("room for ", room), s, room, 0)
	}
}

// passControl sends a datagram from c to s, at sa, with a control message, and tells what
// it came with.
func (p *program) passControl(what string, c, s int, sa unix.Sockaddr, oob []byte) {
	p.Helper()
	if _, err := p.u.SendmsgN(c, []byte("abc"), oob, sa, 0); err != nil {
		p.err(what, err)
		return
	}
	p.wait(s, unix.POLLIN)
	p.recvControl(what+", got", s, 300, 0)
}

func caseControlSend(p *program) {
	s, c, sa := p.dgrams()
	for _, o := range p.wants() {
		p.must(p.u.SetsockoptInt(s, o[0], o[1], 1))
	}
	try := func(what string, oob []byte) { p.passControl(what, c, s, sa, oob) }
	pktinfo := func(index int, from ...byte) []byte { return append(append(word(index), from...), 0, 0, 0, 0) }
	for _, v := range []int{-1, 0, 1, 7, 255, 256} {
		try(fmt.Sprint("IP_TTL ", v), cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(v)))
		try(fmt.Sprint("IP_TOS ", v), cmsg(unix.IPPROTO_IP, unix.IP_TOS, word(v)))
		try(fmt.Sprint("IPV6_HOPLIMIT ", v), cmsg(unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, word(v)))
		try(fmt.Sprint("IPV6_TCLASS ", v), cmsg(unix.IPPROTO_IPV6, unix.IPV6_TCLASS, word(v)))
	}
	try("IP_TOS of a byte", cmsg(unix.IPPROTO_IP, unix.IP_TOS, []byte{0x28}))
	try("IP_TTL of a byte", cmsg(unix.IPPROTO_IP, unix.IP_TTL, []byte{9}))
	try("IP_PKTINFO", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(0, 127, 0, 0, 1)))
	try("IP_PKTINFO of the wildcard", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(0, 0, 0, 0, 0)))
	try("IP_PKTINFO of what is not ours", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(0, 192, 0, 2, 7)))
	try("IP_PKTINFO by no interface", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(9999, 127, 0, 0, 1)))
	try("IP_PKTINFO by the loopback", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(p.loopback(), 127, 0, 0, 1)))
	try("a short IP_PKTINFO", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, make([]byte, 8)))
	six := func(a [16]byte, index int) []byte { return append(a[:], word(index)...) }
	for _, a := range []struct {
		name string
		a    [16]byte
	}{{"own", [16]byte{15: 1}}, {"wildcard", [16]byte{}}, {"foreign", [16]byte{0x20, 1, 0xd, 0xb8, 15: 9}}, {"IPv4", mapped([4]byte{127, 0, 0, 1})}} {
		try("IPV6_PKTINFO "+a.name, cmsg(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, six(a.a, 0)))
		try("IPV6_PKTINFO by the loopback "+a.name, cmsg(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, six(a.a, p.loopback())))
		try("IPV6_PKTINFO by no interface "+a.name, cmsg(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, six(a.a, 9999)))
	}
	try("a short IPV6_PKTINFO", cmsg(unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, make([]byte, 16)))
	try("two of them", append(cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3)), cmsg(unix.IPPROTO_IP, unix.IP_TOS, word(4))...))
	try("one twice", append(cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3)), cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(4))...))
}

func caseControlBad(p *program) {
	s, c, sa := p.dgrams()
	try := func(what string, oob []byte) { p.passControl(what, c, s, sa, oob) }
	long, short := cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3)), cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3))
	binary.NativeEndian.PutUint64(long, 100)
	binary.NativeEndian.PutUint64(short, 3)
	try("too long", long)
	try("too short", short)
	try("less than a header", make([]byte, 10))
	try("empty", make([]byte, 16))
	try("cut off", cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3))[:20])
	try("an unknown level", cmsg(9999, 1, word(3)))
	try("unknown of IP", cmsg(unix.IPPROTO_IP, 9999, word(3)))
	try("unknown of IPv6", cmsg(unix.IPPROTO_IPV6, 9999, word(3)))
	try("unknown of the socket", cmsg(unix.SOL_SOCKET, 9999, word(3)))
	try("unknown of UDP", cmsg(unix.IPPROTO_UDP, 9999, word(3)))
	try("one of TCP", cmsg(unix.IPPROTO_TCP, 1, word(3)))
	try("rights", cmsg(unix.SOL_SOCKET, unix.SCM_RIGHTS, word(1<<19)))
	try("IP_RETOPTS of nothing", cmsg(unix.IPPROTO_IP, unix.IP_RETOPTS, nil))
	try("one after what is unknown", append(cmsg(9999, 1, word(3)), cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(0))...))
}

func caseStamps(p *program) {
	s, c, sa := p.dgrams()
	p.must(p.u.Connect(c, sa))
	got := func(what string) {
		p.send("send", c, "abc", 0)
		p.wait(s, unix.POLLIN)
		p.recvControl(what, s, 300, 0)
	}
	for _, o := range []int{unix.SO_TIMESTAMP, unix.SO_TIMESTAMPNS, soTimestampNew, soTimestampNSNew} {
		p.err(fmt.Sprint("on ", o), p.u.SetsockoptInt(s, unix.SOL_SOCKET, o, 1))
		got("a stamp")
		for _, v := range []int{unix.SO_TIMESTAMP, unix.SO_TIMESTAMPNS, soTimestampNew, soTimestampNSNew} {
			on, err := p.u.GetsockoptInt(s, unix.SOL_SOCKET, v)
			p.n(fmt.Sprint("is ", v), on, err)
		}
	}
	p.err("off", p.u.SetsockoptInt(s, unix.SOL_SOCKET, soTimestampNSNew, 0))
	got("none")
	const soft = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
	for _, o := range []int{unix.SO_TIMESTAMPING, soTimestampingNew} {
		p.err("stamping", p.u.SetsockoptInt(s, unix.SOL_SOCKET, o, soft))
		got("a stamp")
		p.err("and the other", p.u.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1))
		got("two stamps")
		p.err("half", p.u.SetsockoptInt(s, unix.SOL_SOCKET, o, unix.SOF_TIMESTAMPING_RX_SOFTWARE))
		got("half")
		p.err("off", p.u.SetsockoptInt(s, unix.SOL_SOCKET, o, 0))
		p.err("off", p.u.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 0))
	}
	got("none")
}

func caseControlStream(p *program) {
	c, s := p.streams()
	for _, o := range p.wants() {
		p.err(fmt.Sprint("want ", o), p.u.SetsockoptInt(s, o[0], o[1], 1))
	}
	p.send("send", c, "abc", 0)
	p.wait(s, unix.POLLIN)
	p.recvControl("got", s, 300, 0)
	p.err("TCP_INQ", p.u.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_INQ, 1))
	p.send("send", c, strings.Repeat("x", 130), 0)
	p.wait(s, unix.POLLIN)
	p.recvControl("got", s, 300, 0)
	p.recvControl("got", s, 17, 0)
	for _, oob := range [][]byte{cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(3)), cmsg(unix.SOL_SOCKET, 9999, word(3)), make([]byte, 10)} {
		n, err := p.u.SendmsgN(c, []byte("abc"), oob, nil, 0)
		p.n("send with control", n, err)
	}
}
