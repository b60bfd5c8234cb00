package api

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// batchConn is what code for batches asks for; both kinds of sockets have it.
type batchConn interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

var (
	_ batchConn = (*ipv4.PacketConn)(nil)
	_ batchConn = (*UDPConn)(nil)
)

// batch is c for batches: ours as it is, the kernel's by package ipv4.
func batch(c udpConn) batchConn {
	if k, ok := c.(*net.UDPConn); ok {
		return ipv4.NewPacketConn(k)
	}
	return c.(batchConn)
}

// set sets an option and writes down what came of it.
func (w *world) set(what string, c udpConn, level, opt, value int) {
	w.Helper()
	k, ok := c.(*net.UDPConn)
	if !ok {
		w.logf("%s: %v", what, unwrapped(c.(*UDPConn).SetsockoptInt(level, opt, value)))
		return
	}
	raw, err := k.SyscallConn()
	if err != nil {
		w.Fatal(err)
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, opt, value) }); e != nil {
		w.Fatal(e)
	}
	w.logf("%s: %v", what, unwrapped(err))
}

// unwrapped is what err is about: package ipv4 wraps it in ways of its own.
func unwrapped(err error) error {
	for _, id := range identities {
		if errors.Is(err, id) {
			return id
		}
	}
	return err
}

// message has room for n bytes and for control messages.
func message(n int) ipv4.Message {
	return ipv4.Message{Buffers: [][]byte{make([]byte, n/2), make([]byte, n-n/2)}, OOB: make([]byte, 200)}
}

// read waits for as many datagrams as sizes says and writes them down with their
// control messages.
func (w *world) read(what string, c udpConn, count int) {
	w.Helper()
	b := batch(c)
	for got := 0; got < count; {
		ms := []ipv4.Message{message(70000), message(70000), message(70000), message(70000)}
		n, err := b.ReadBatch(ms, 0)
		if err != nil {
			w.Fatalf("%s: %v after %d datagrams", what, err, got)
		}
		for _, m := range ms[:n] {
			w.logf("%s: %d bytes, sum %d, flags %x, %s", what, m.N, sum(m), m.Flags, controls(w, m.OOB[:m.NN]))
		}
		got += n
	}
}

func sum(m ipv4.Message) (s int) {
	b := slices.Concat(m.Buffers...)
	for i, x := range b[:min(m.N, len(b))] {
		s += int(x) * (i%251 + 1)
	}
	return s
}

// controls are control messages as text, without what differs between hosts.
func controls(w *world, b []byte) string {
	ms, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		w.Fatal(err)
	}
	s := ""
	for _, m := range ms {
		d := fmt.Sprint(m.Data)
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO:
			d = fmt.Sprintf("iface %v, %v", binary.NativeEndian.Uint32(m.Data) > 0, string(m.Data[4:8]) == string(m.Data[8:12]))
		case m.Header.Level == unix.SOL_SOCKET:
			d = fmt.Sprint(len(m.Data))
		}
		s += fmt.Sprintf("(%d %d %s)", m.Header.Level, m.Header.Type, d)
	}
	return s
}

// batched writes down what a call for batches returned.
func (w *world) batched(what string, n int, err error) {
	w.logf("%s: %d, %v", what, max(n, 0), unwrapped(err)) // package ipv4 returns -1 with an error
}

func TestAsNetBatches(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		b := batch(c)
		ms := make([]ipv4.Message, 5)
		for i := range ms {
			ms[i].Buffers = [][]byte{[]byte("datagram "), fmt.Append(nil, i)}
		}
		n, err := b.WriteBatch(ms, 0)
		w.batched("write a batch", n, err)
		w.logf("%d %d %d", ms[0].N, ms[4].N, ms[4].NN)
		w.read("read", s, 5)
		n, err = batch(s).ReadBatch(nil, 0)
		w.batched("read into nothing", n, err)
		n, err = batch(s).WriteBatch(nil, 0)
		w.batched("write nothing", n, err)
		n, err = batch(s).WriteBatch(ms[:1], 0)
		w.batched("write nowhere", n, err)
		big := []ipv4.Message{ms[0], {Buffers: [][]byte{make([]byte, 65508)}}}
		n, err = b.WriteBatch(big, 0)
		w.batched("the second is too long", n, err)
		w.read("the first comes", s, 1)
		n, err = b.WriteBatch(big[1:], 0)
		w.batched("then the error", n, err)
		short := []ipv4.Message{{Buffers: [][]byte{make([]byte, 3)}, OOB: make([]byte, 4)}}
		c.Write([]byte("longer"))
		n, err = batch(s).ReadBatch(short, 0)
		w.batched("a part", n, err)
		w.logf("%d, flags %x", short[0].N, short[0].Flags)
		c.Write([]byte("longer"))
		n, err = batch(s).ReadBatch(short, unix.MSG_TRUNC)
		w.batched("its length", n, err)
		w.logf("%d, flags %x, from a *net.UDPAddr: %v", short[0].N, short[0].Flags, short[0].Addr.String() == c.LocalAddr().String())
		answer := []ipv4.Message{{Buffers: [][]byte{[]byte("x")}, Addr: short[0].Addr}}
		n, err = batch(s).WriteBatch(answer, 0)
		w.batched("answer", n, err)
		w.read("answered", c, 1)
		c.Write([]byte("peek"))
		n, err = batch(s).ReadBatch(short, unix.MSG_PEEK)
		w.batched("peek", n, err)
		w.read("it is still there", s, 1)
		s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		n, err = batch(s).ReadBatch(short, 0)
		w.batched("too late", n, err)
		s.Close()
		n, err = batch(s).ReadBatch(short, 0)
		w.batched("closed", n, err)
	})
}

func TestAsNetControl(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		for _, o := range [][2]int{{unix.IPPROTO_IP, unix.IP_RECVTOS}, {unix.IPPROTO_IP, unix.IP_RECVTTL}, {unix.IPPROTO_IP, unix.IP_PKTINFO}, {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}, {unix.IPPROTO_IP, unix.IP_RECVORIGDSTADDR}} {
			w.set(fmt.Sprint("option ", o), s, o[0], o[1], 1)
			if o[1] == unix.IP_RECVORIGDSTADDR {
				w.set("off again", s, o[0], o[1], 0)
			}
		}
		send := func(what string, oob []byte) {
			w.Helper()
			n, oobn, err := c.WriteMsgUDP([]byte(what), oob, nil)
			w.result(what, n, err)
			if err == nil {
				w.logf("%d bytes of control", oobn)
				w.read(what, s, 1)
			}
		}
		tos := func(v ...byte) []byte { return cmsg(unix.IPPROTO_IP, unix.IP_TOS, v) }
		send("nothing", nil)
		send("ECN", tos(1))
		send("ECN and TTL", append(tos(2), cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(7))...))
		send("no TTL", cmsg(unix.IPPROTO_IP, unix.IP_TTL, word(0)))
		send("a strange TOS", cmsg(unix.IPPROTO_IP, unix.IP_TOS, word(256)))
		send("a strange source", cmsg(unix.IPPROTO_IP, unix.IP_PKTINFO, []byte{0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0}))
		send("unknown", cmsg(unix.IPPROTO_IP, 99, word(1)))
		send("cut", tos(1)[:12])
		send("cut in the middle", tos(1)[:16])
		for _, room := range []int{0, 16, 17, 24, 40, 56} {
			c.Write([]byte("x"))
			_, oobn, flags, _, err := s.ReadMsgUDP(make([]byte, 10), make([]byte, room))
			w.result(fmt.Sprint("room for ", room), oobn, err)
			w.logf("flags %x", flags)
		}
	})
}

func cmsg(level, typ int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	binary.NativeEndian.PutUint32(b[8:], uint32(level))
	binary.NativeEndian.PutUint32(b[12:], uint32(typ))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func word(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func TestAsNetSegments(t *testing.T) {
	asNet(t, func(w *world) {
		c, s := w.udpConns()
		data := make([]byte, 65507)
		for i := range data {
			data[i] = byte(i * 7)
		}
		send := func(what string, n, seg int) {
			w.Helper()
			n, _, err := c.WriteMsgUDP(data[:n], cmsg(unix.IPPROTO_UDP, unix.UDP_SEGMENT, binary.NativeEndian.AppendUint16(nil, uint16(seg))), nil)
			w.result(what, n, err)
			if err == nil {
				w.read(what, s, (n+max(seg, 1)-1)/max(seg, 1))
			}
		}
		send("two", 1000, 500)
		send("the last is short", 1001, 500)
		send("one", 500, 500)
		send("less than one", 400, 500)
		send("as many as may be", 128*3, 3)
		send("one too many", 128*3+1, 3)
		w.set("of the socket", c, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 100)
		n, err := c.Write(data[:250])
		w.result("write", n, err)
		w.read("write", s, 3)
		w.set("negative", c, unix.IPPROTO_UDP, unix.UDP_SEGMENT, -1)
		w.set("too great", c, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 65536)
		w.set("none", c, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 0)
		w.set("GRO", s, unix.IPPROTO_UDP, unix.UDP_GRO, 1)
		n, err = c.Write(data[:250])
		w.result("one datagram", n, err)
		w.read("one datagram", s, 1)
	})
}
