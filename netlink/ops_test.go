package netlink

import (
	"bytes"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"dataplane/ip"
	"dataplane/sock"
)

func TestCreate(t *testing.T) {
	f, _ := rig(t)
	for _, c := range []struct {
		typ, protocol int
		want          error
	}{
		{sock.TypeRaw, protoRoute, nil}, {sock.TypeDgram, protoRoute, nil}, {sock.TypeDgram, protoSockDiag, nil},
		{sock.TypeStream, protoRoute, syscall.ESOCKTNOSUPPORT}, {sock.TypeRaw, 5, syscall.EPROTONOSUPPORT}, {sock.TypeRaw, -1, syscall.EPROTONOSUPPORT},
	} {
		if s, err := f.Create(c.typ, c.protocol); err != c.want {
			t.Errorf("%d, %d: %v, want %v", c.typ, c.protocol, err, c.want)
		} else if err == nil {
			s.Close()
		}
	}
}

func TestBind(t *testing.T) {
	f, _ := rig(t)
	a, b := dial(t, f, protoRoute), dial(t, f, protoRoute)
	must(t, a.Ops.Bind(a.Socket, sock.NetlinkName(0, 0)))
	must(t, b.Ops.Bind(b.Socket, sock.NetlinkName(0, 5)))
	name, _ := a.Ops.GetName(a.Socket, false)
	if id, groups := name.Netlink(); id != uint32(os.Getpid()) || groups != 0 {
		t.Errorf("the first one has port %d, groups %d", id, groups)
	}
	name, _ = b.Ops.GetName(b.Socket, false)
	if id, groups := name.Netlink(); int32(id) >= 0 || groups != 5 {
		t.Errorf("the second one has port %d, groups %d", int32(id), groups)
	}
	if err := a.Ops.Bind(a.Socket, sock.NetlinkName(77, 0)); err != syscall.EINVAL {
		t.Error("bind to another port: ", err)
	}
	must(t, a.Ops.Bind(a.Socket, sock.NetlinkName(uint32(os.Getpid()), 2)))
	c, d := dial(t, f, protoRoute), dial(t, f, protoSockDiag)
	if err := c.Ops.Bind(c.Socket, sock.NetlinkName(uint32(os.Getpid()), 0)); err != syscall.EADDRINUSE {
		t.Error("bind to a port that is taken: ", err)
	}
	must(t, d.Ops.Bind(d.Socket, sock.NetlinkName(uint32(os.Getpid()), 0))) // another protocol
	a.Close()
	must(t, c.Ops.Bind(c.Socket, sock.NetlinkName(uint32(os.Getpid()), 0)))
	if err := a.Close(); err != sock.ErrClosed {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	f, _ := rig(t)
	c := dial(t, f, protoRoute)
	if _, err := c.Send(nil, 0); err != syscall.ENODATA {
		t.Error("an empty message: ", err)
	}
	if _, err := c.Send(make([]byte, 1<<20), 0); err != syscall.EMSGSIZE {
		t.Error("a long message: ", err)
	}
	if _, err := c.SendTo([]byte("x"), 0, sock.NetlinkName(4711, 0)); err != syscall.ECONNREFUSED {
		t.Error("to nobody: ", err)
	}
	if err := c.Ops.Listen(c.Socket, 1); err != syscall.EOPNOTSUPP {
		t.Error("listen: ", err)
	}
	c.Rd.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Recv(make([]byte, 9), 0); err != os.ErrDeadlineExceeded {
		t.Error("nothing to read: ", err)
	}
}

// Sockets can talk to each other, too.
func TestBetweenSockets(t *testing.T) {
	f, _ := rig(t)
	a, b := dial(t, f, protoRoute), dial(t, f, protoRoute)
	must(t, a.Ops.Bind(a.Socket, sock.NetlinkName(100, 0)))
	must(t, b.Ops.Connect(b.Socket, sock.NetlinkName(100, 0), 0))
	b.send([]byte("hello"))
	buf := make([]byte, 3)
	m := sock.Msg{Buf: buf, Flags: sock.MsgPeek}
	if n, err := a.RecvMsg(&m); n != 3 || err != nil || m.Len != 5 || m.Flags != sock.MsgTrunc {
		t.Errorf("look: %d of %d bytes, flags %#x, %v", n, m.Len, m.Flags, err)
	}
	n, from, err := a.RecvFrom(make([]byte, 9), 0)
	must(t, b.Ops.(sock.DissolveOps).Dissolve(b.Socket))
	own, _ := b.Ops.GetName(b.Socket, false)
	if n != 5 || from != own || err != nil {
		t.Errorf("%d bytes from %v, %v", n, from, err)
	}
}

func TestAcknowledgements(t *testing.T) {
	f, _ := rig(t)
	c := dial(t, f, protoRoute)
	body := addrBody(9, prefix("10.0.2.2/24"))
	for _, opts := range [][]int{nil, {optCapAck}, {optExtAck}, {optCapAck, optExtAck}} {
		for _, o := range []int{optCapAck, optExtAck} {
			on := 0
			if slices.Contains(opts, o) {
				on = 1
			}
			must(t, c.SetInt(solNetlink, o, on))
		}
		b := c.message(rtmNewAddr, flagAck, body)
		c.send(b)
		h := c.next()[0]
		rest := h.data[4:]
		if whole := bytes.HasPrefix(rest, b); whole == slices.Contains(opts, optCapAck) || !bytes.HasPrefix(rest, b[:headerLen]) {
			t.Errorf("%v: % x", opts, rest)
		}
		if text := bytes.Contains(rest, []byte("there is no interface 8")); text != slices.Contains(opts, optExtAck) || text != (h.Flags&flagAckTLVs != 0) {
			t.Errorf("%v: flags %#x, %q", opts, h.Flags, rest)
		}
	}
	c.send(c.message(rtmGetLink, 0, make([]byte, ifinfoLen))) // an error is told without having been asked for
	if h := c.next(); len(h) != 1 || h[0].Type != typeError {
		t.Errorf("%+v", h)
	}
	var w writer // no request: it may be acknowledged, but nothing is done
	w.begin(rtmNewAddr, flagAck, 99, 0)
	w.end()
	c.send(w.b)
	if h := c.next(); len(h) != 1 || native.Uint32(h[0].data) != 0 {
		t.Errorf("%+v", h)
	}
}

// A long dump comes in parts, as it is read, and there is one at a time.
func TestDumpInParts(t *testing.T) {
	f, p := rig(t)
	must(t, p.Change(func(d *ip.Draft) error {
		for i := range 3000 {
			d.Routes = append(d.Routes, ip.Route{Prefix: ip.Prefix{Addr: ip.FromV4(11<<24 + uint32(i)<<8), Bits: 24}, Gateway: addr("10.0.0.9"), Iface: 0})
		}
		return nil
	}))
	c := dial(t, f, protoRoute)
	c.send(c.message(rtmGetRoute, flagDump, []byte{syscall.AF_INET}))
	if n := of(c.Socket).queue.Messages(); n != 1 {
		t.Errorf("%d parts before anybody reads", n)
	}
	c.send(c.message(rtmGetRoute, flagDump, []byte{syscall.AF_INET}))
	n, busy, done := 0, false, false
	for !done {
		part := c.next()
		if len(part) == 0 {
			t.Fatal("the dump has no end")
		}
		size := 0
		for _, h := range part {
			size += len(h.whole)
			switch h.Type {
			case rtmNewRoute:
				n++
			case typeError:
				busy = syscall.Errno(-int32(native.Uint32(h.data))) == syscall.EBUSY
			case typeDone:
				done = true
			}
		}
		if size > chunk+100 {
			t.Errorf("a part of %d bytes", size)
		}
	}
	if n != 3000+2+4 || !busy {
		t.Errorf("%d routes, busy %v", n, busy)
	}
}

// Who does not read loses messages, and hears of it.
func TestOverrun(t *testing.T) {
	f, p := rig(t)
	mon := dial(t, f, protoRoute)
	must(t, mon.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048))
	must(t, mon.SetInt(solNetlink, optAddMembership, groupAddr4))
	if v, err := mon.GetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF); v != 4096 || err != nil {
		t.Errorf("SO_RCVBUF %d, %v", v, err)
	}
	flip := func(times int) {
		for range times {
			must(t, p.Change(func(d *ip.Draft) error { return d.AddAddr(0, prefix("10.0.5.1/24")) }))
			must(t, p.Change(func(d *ip.Draft) error { return d.DelAddr(0, prefix("10.0.5.1/24")) }))
		}
	}
	if got := mon.Ops.Poll(mon.Socket); got != sock.PollWritable|sock.PollWrBand {
		t.Errorf("ready before for %#x", got)
	}
	flip(100)
	if got := mon.Ops.Poll(mon.Socket); got != sock.PollWritable|sock.PollWrBand|sock.PollIn|sock.PollRdNorm|sock.PollErr {
		t.Errorf("ready for %#x", got)
	}
	if _, err := mon.Recv(make([]byte, 100), 0); err != syscall.ENOBUFS {
		t.Error("after an overrun: ", err)
	}
	n := len(mon.types())
	if n == 0 || n > 4096/64 {
		t.Errorf("%d messages were kept", n)
	}
	flip(1)
	if got := mon.types(); !slices.Equal(got, []uint16{rtmNewAddr, rtmDelAddr}) {
		t.Errorf("afterwards: %v", got)
	}
	must(t, mon.SetInt(solNetlink, optNoENOBUFS, 1))
	flip(100)
	if _, err := mon.Recv(make([]byte, 100), 0); err != nil {
		t.Error("with NETLINK_NO_ENOBUFS: ", err)
	}
}

func TestMonitor(t *testing.T) {
	f, _ := rig(t)
	c, mon := dial(t, f, protoRoute), dial(t, f, protoRoute)
	for _, g := range []int{groupAddr4, groupAddr6, groupRoute4, groupRoute6} {
		must(t, mon.SetInt(solNetlink, optAddMembership, g))
	}
	must(t, mon.SetInt(solNetlink, optPktInfo, 1))
	c.wants(0, rtmNewAddr, flagCreate, addrBody(1, prefix("10.0.1.2/24")))
	m := sock.Msg{Buf: make([]byte, 4096), Control: make([]byte, 64)}
	n, err := mon.RecvMsg(&m)
	must(t, err)
	h, _ := nextMessage(m.Buf[:n])
	from, groups := m.Name.Netlink()
	if h.Type != rtmNewAddr || h.Seq != c.seq || from != 0 || groups != 1<<(groupAddr4-1) || m.NControl != sock.CmsgSpace(4) {
		t.Errorf("%+v from port %d, groups %#x, %d bytes of control", h, from, groups, m.NControl)
	}
	if got := mon.types(); !slices.Equal(got, []uint16{rtmNewRoute, rtmNewRoute, rtmNewRoute}) {
		t.Errorf("routes: %v", got)
	}
	c.wants(0, rtmDelAddr, 0, addrBody(1, prefix("10.0.1.2/24")))
	if got := mon.types(); len(got) != 4 {
		t.Errorf("at the end: %v", got)
	}
	must(t, mon.SetInt(solNetlink, optDropMembership, groupAddr4))
	c.wants(0, rtmNewAddr, flagCreate, addrBody(1, prefix("2001:db8:7::1/64")))
	if got := mon.types(); !slices.Equal(got, []uint16{rtmNewAddr, rtmNewRoute, rtmNewRoute}) {
		t.Errorf("IPv6: %v", got)
	}
}

func TestOptions(t *testing.T) {
	f, _ := rig(t)
	c := dial(t, f, protoRoute)
	if err := c.SetInt(solNetlink, 77, 1); err != syscall.ENOPROTOOPT {
		t.Error(err)
	}
	if err := c.SetInt(solNetlink, optAddMembership, maxGroup+1); err != syscall.EINVAL {
		t.Error(err)
	}
	if err := c.SetInt(solNetlink, optAddMembership, 0); err != syscall.EINVAL {
		t.Error(err)
	}
	must(t, c.SetInt(solNetlink, optAddMembership, 33))
	v := make([]byte, 8)
	if n, err := c.GetOption(solNetlink, optListMemberships, v); n != 8 || err != nil || v[4] != 1 {
		t.Errorf("% x, %v", v[:n], err)
	}
	for name, want := range map[int]int{syscall.SO_TYPE: sock.TypeRaw, syscall.SO_DOMAIN: syscall.AF_NETLINK, syscall.SO_PROTOCOL: protoRoute, syscall.SO_ERROR: 0} {
		if got, err := c.GetInt(syscall.SOL_SOCKET, name); got != want || err != nil {
			t.Errorf("option %d: %d, %v, want %d", name, got, err, want)
		}
	}
}

// Close wakes who waits, and forgets what was queued.
func TestClose(t *testing.T) {
	f, p := rig(t)
	c := dial(t, f, protoRoute)
	must(t, c.SetInt(solNetlink, optAddMembership, groupAddr4))
	done := make(chan error)
	go func() {
		_, err := c.Recv(make([]byte, 100), 0)
		done <- err
	}()
	time.Sleep(time.Millisecond)
	c.Close()
	if err := <-done; err != sock.ErrClosed {
		t.Error(err)
	}
	must(t, p.Change(func(d *ip.Draft) error { return d.AddAddr(0, prefix("10.0.5.1/24")) }))
	if f.any.Load() || len(f.ports) != 0 {
		t.Error("it is remembered")
	}
	// What another goroutine had begun before, and does now.
	ops{}.Bind(c.Socket, sock.NetlinkName(of(c.Socket).id.Load(), 1<<(groupAddr4-1))) //nolint:errcheck // whatever it says
	of(c.Socket).setOwn(optAddMembership, groupNeigh)                                 //nolint:errcheck // likewise
	if f.any.Load() || len(f.members) != 0 || f.neigh.stop != nil {
		t.Error("it is a member for ever")
	}
}
