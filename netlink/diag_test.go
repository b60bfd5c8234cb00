package netlink

import (
	"syscall"
	"testing"
	_ "unsafe" // for go:linkname

	nl "github.com/vishvananda/netlink"

	"dataplane/ip"
	"dataplane/sock"
)

//go:linkname socketDeserialize github.com/vishvananda/netlink.(*Socket).deserialize
func socketDeserialize(s *nl.Socket, b []byte) error

//go:linkname infoDeserialize github.com/vishvananda/netlink.(*TCPInfo).deserialize
func infoDeserialize(i *nl.TCPInfo, b []byte) error

func at(s string, port uint16) sock.Name { return sock.Name{Addr: addr(s), Port: port} }

// diagRig has a connection, a listener, one by IPv6 and one in TIME-WAIT.
func diagRig(t testing.TB) (*client, *fake) {
	f, p := rig(t)
	info := make([]byte, 248)
	info[0] = 1
	native.PutUint32(info[68:], 1234) // tcpi_rtt
	p.diags = []Diag{
		{Look: sock.Look{Local: at("10.0.0.2", 80), Remote: at("10.0.0.9", 40000), State: 1, RxQueue: 7, TxQueue: 9, RcvBuf: 1000, SndBuf: 2000,
			Timer: 1, Retries: 2, Due: 3e6, TOS: 16, Congestion: "cubic", Info: info}},
		{Look: sock.Look{Local: sock.Name{Addr: ip.Any4, Port: 80}, State: 10, Shared: true, TxQueue: 128}},
		{Look: sock.Look{Local: at("2001:db8::2", 80), Remote: at("2001:db8::9", 40001), State: 1, V6: sock.V6Dual}},
		{Look: sock.Look{Local: at("10.0.0.2", 81), Remote: at("10.0.0.9", 40002), State: 6, Timer: 3, Due: 5e9}},
		{Look: sock.Look{Local: sock.Name{Port: 81}, State: 10, Shared: true, V6: sock.V6Only}},
	}
	return dial(t, f, protoSockDiag), p
}

// diagBody is a struct inet_diag_req_v2.
func diagBody(fam, protocol, ext uint8, states uint32, local, remote sock.Name, cookie uint64) []byte {
	var w writer
	w.u8(fam, protocol, ext, 0)
	w.u32(states)
	w.u8(byte(local.Port>>8), byte(local.Port), byte(remote.Port>>8), byte(remote.Port))
	w.diagAddr(local.Addr, fam == syscall.AF_INET)
	w.diagAddr(remote.Addr, fam == syscall.AF_INET)
	w.u32(0)
	w.u64(cookie)
	return w.b
}

const noCookie = 1<<64 - 1

func TestLibraryReadsSockets(t *testing.T) {
	c, _ := diagRig(t)
	all, errno := c.ask(diagByFamily, flagDump, diagBody(syscall.AF_INET, protoTCP, 0xff, 1<<1, sock.Name{}, sock.Name{}, 0))
	if len(all) != 1 || errno != 0 {
		t.Fatalf("%d sockets, %v", len(all), errno)
	}
	var s nl.Socket
	must(t, socketDeserialize(&s, all[0].data))
	if s.ID.Source.String() != "10.0.0.2" || s.ID.SourcePort != 80 || s.ID.Destination.String() != "10.0.0.9" || s.ID.DestinationPort != 40000 ||
		s.State != nl.TCP_ESTABLISHED || s.RQueue != 7 || s.WQueue != 9 || s.Timer != 1 || s.Retrans != 2 || s.Expires != 3 {
		t.Errorf("%+v", s)
	}
	var a attrs
	a.parse(all[0].data[72:])
	var i nl.TCPInfo
	must(t, infoDeserialize(&i, a[diagInfo]))
	if i.State != 1 || i.Rtt != 1234 {
		t.Errorf("%+v", i)
	}
	if a.text(diagCong) != "cubic" || a[diagTOS][0] != 16 || native.Uint32(a[diagSkMem][4:]) != 1000 || native.Uint32(a[diagMemInfo]) != 7 {
		t.Errorf("attributes: %q", a)
	}
	cookie := uint64(s.ID.Cookie[1])<<32 | uint64(s.ID.Cookie[0])
	one := func(cookie uint64) []byte {
		return diagBody(syscall.AF_INET, protoTCP, 2, 0, at("10.0.0.2", 80), at("10.0.0.9", 40000), cookie)
	}
	for _, k := range []uint64{cookie, noCookie} {
		if got, errno := c.ask(diagByFamily, 0, one(k)); len(got) != 1 || errno != 0 {
			t.Errorf("the socket itself: %d answers, %v", len(got), errno)
		}
	}
	c.wants(syscall.ENOENT, diagByFamily, 0, one(cookie+1))
}

func TestSocketsChosen(t *testing.T) {
	c, _ := diagRig(t)
	const every = 1<<32 - 1
	for _, k := range []struct {
		fam, protocol uint8
		states        uint32
		sport, dport  uint16
		want          int
	}{
		{syscall.AF_INET, protoTCP, every, 0, 0, 3},
		{syscall.AF_INET6, protoTCP, every, 0, 0, 2},
		{syscall.AF_INET, protoTCP, 1 << 10, 0, 0, 1},
		{syscall.AF_INET, protoTCP, 1<<10 | 1<<6, 0, 0, 2},
		{syscall.AF_INET, protoTCP, every, 81, 0, 1},
		{syscall.AF_INET, protoTCP, every, 0, 40000, 1},
		{syscall.AF_INET, protoTCP, 0, 0, 0, 0},
	} {
		body := diagBody(k.fam, k.protocol, 0, k.states, sock.Name{Port: k.sport}, sock.Name{Port: k.dport}, 0)
		if all, errno := c.ask(diagByFamily, flagDump, body); len(all) != k.want || errno != 0 {
			t.Errorf("%+v: %d, %v", k, len(all), errno)
		}
	}
	none := sock.Name{}
	c.wants(syscall.ENOENT, diagByFamily, flagDump, diagBody(syscall.AF_INET, 99, 0, every, none, none, 0))
	c.wants(syscall.ENOENT, diagByFamily, flagDump, diagBody(syscall.AF_PACKET, 6, 0, every, none, none, 0))
	c.wants(syscall.EINVAL, diagByFamily, flagDump, diagBody(99, 6, 0, every, none, none, 0))
	c.wants(syscall.EINVAL, diagByFamily, flagDump, []byte{syscall.AF_INET, 6})
	c.wants(syscall.EINVAL, 18, flagDump, make([]byte, 72)) // TCPDIAG_GETSOCK, of old
}

// step is a step of a filter.
func step(code, yes uint8, no uint16) []byte {
	return append([]byte{code, yes}, native.AppendUint16(nil, no)...)
}

func TestBytecode(t *testing.T) {
	d := &Diag{Look: sock.Look{Local: at("10.0.0.2", 80), Remote: at("10.0.0.9", 40000)}}
	port := func(code uint8, p uint16) []byte { return append(step(code, 8, 12), step(0, 0, p)...) }
	host := func(code uint8, a string, bits uint8, p int32) []byte {
		x := addr(a).As4()
		cond := append([]byte{syscall.AF_INET, bits, 0, 0}, native.AppendUint32(nil, uint32(p))...)
		return append(append(step(code, 16, 20), cond...), x[:]...)
	}
	for _, c := range []struct {
		code []byte
		want bool
	}{
		{nil, true},
		{port(codeSrcEqual, 80), true}, {port(codeSrcEqual, 81), false},
		{port(codeSrcGE, 80), true}, {port(codeSrcGE, 81), false}, {port(codeSrcLE, 79), false},
		{port(codeDstLE, 40000), true}, {port(codeDstGE, 40001), false}, {port(codeDstEqual, 40000), true},
		{host(codeDstCond, "10.0.0.0", 24, -1), true}, {host(codeDstCond, "10.0.1.0", 24, -1), false},
		{host(codeSrcCond, "10.0.0.2", 32, 80), true}, {host(codeSrcCond, "10.0.0.2", 32, 81), false},
		{append(port(codeSrcEqual, 80), port(codeDstEqual, 40000)...), true},
		{step(codeJmp, 4, 8), false},
		{step(codeNop, 4, 8), true}, {step(codeAuto, 4, 8), true},
	} {
		if !auditCode(c.code) {
			t.Errorf("% x is refused", c.code)
		} else if got := runCode(c.code, d); got != c.want {
			t.Errorf("% x: %v", c.code, got)
		}
	}
	for _, bad := range [][]byte{{1}, step(99, 4, 4), step(codeSrcGE, 8, 8), step(codeNop, 0, 4), step(codeNop, 4, 16), step(codeNop, 4, 0), step(codeSrcCond, 4, 4)} {
		if auditCode(bad) {
			t.Errorf("% x passes", bad)
		}
	}
}
