package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/perf"
	"dataplane/tcp"
)

// keepAlive turns keep-alive on: after 10 s, every 2 s, three times.
func keepAlive(a *App) {
	a.Set(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 10)
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, 2)
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, 3)
}

// RFC 9293 3.8.4: off by default.
func TestRFC9293_3_8_4_KeepAliveOff(t *testing.T) {
	w := newWire(t)
	_, a := w.Passive(Seg{}, ms)
	w.QuietFor(5 * 60 * perf.Minute)
	a.WantState(tcp.Established)
}

func TestRFC9293_3_8_4_KeepAliveDefaults(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Set(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1)
	near(t, "probe", w.Until(3*60*perf.Minute), 120*perf.Minute)
	f.Expect(Seg{Seq: 0x1_0000_0000})
}

// Probes that are answered go on for ever; answers later than one probe do no
// harm.
func TestRFC9293_3_8_4_KeepAliveAnswered(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	keepAlive(a)
	for range 5 {
		w.Until(20 * sec)
		f.Expect(Seg{Seq: 0x1_0000_0000}) // a number that was acknowledged
		w.Until(20 * sec)                 // one missing answer
		f.Expect(Seg{Seq: 0x1_0000_0000})
		f.Send(Seg{})
		w.QuietFor(9 * sec)
	}
	a.WantState(tcp.Established)
}

func TestRFC9293_3_8_4_KeepAliveDead(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	keepAlive(a)
	near(t, "probe", w.Until(20*sec), 10*sec)
	f.Expect(Seg{Seq: 0x1_0000_0000})
	for range 2 {
		near(t, "probe", w.Until(20*sec), 2*sec)
		f.Expect(Seg{Seq: 0x1_0000_0000})
	}
	near(t, "end", w.Until(20*sec), 2*sec)
	f.Expect(Seg{Flags: RST | ACK})
	a.WantError(syscall.ETIMEDOUT)
}

// Milliseconds of 32 bits begin again after 50 days: a dead peer is found then, too.
func TestKeepAliveDeadAfterMonths(t *testing.T) {
	w := newWire(t)
	w.Advance(60 * 24 * 60 * perf.Minute)
	f, a := w.Passive(Seg{}, ms)
	keepAlive(a)
	for range 3 {
		w.Until(20 * sec)
		f.Expect(Seg{Seq: 0x1_0000_0000})
	}
	w.Until(20 * sec)
	f.Expect(Seg{Flags: RST | ACK})
	a.WantError(syscall.ETIMEDOUT)
}

// Data that is on its way is the retransmission timer's business.
func TestKeepAliveWithData(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	keepAlive(a)
	w.Advance(9 * sec)
	f.Send(Seg{Len: 100})
	f.Expect(Seg{})
	near(t, "probe", w.Until(20*sec), 10*sec)
}

// RFC 5482: the user timeout ends a connection at its time.
func TestRFC5482_UserTimeout(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Set(syscall.IPPROTO_TCP, 18, 5000)
	a.Write(100)
	f.Expect(Seg{Len: 100})
	w.Advance(4900 * ms)
	w.Flush()
	a.WantState(tcp.Established)
	w.Advance(200 * ms)
	a.WantState(tcp.Closed)
	a.WantError(syscall.ETIMEDOUT)
}

// It also limits the SYN.
func TestRFC5482_UserTimeoutSYN(t *testing.T) {
	w := newWire(t)
	a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	a.Set(syscall.IPPROTO_TCP, 18, 2500)
	if e := a.Connect(40000, 80); e != 0 {
		t.Fatal(e)
	}
	w.Advance(2400 * ms)
	a.WantState(tcp.SynSent)
	w.Advance(200 * ms)
	a.WantError(syscall.ETIMEDOUT)
	w.Flush()
}

// An answer in time starts it anew.
func TestRFC5482_UserTimeoutProgress(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Set(syscall.IPPROTO_TCP, 18, 1000)
	for range 10 {
		a.Write(100)
		f.Expect(Seg{Len: 100})
		w.Advance(150 * ms)
		f.Send(Seg{})
	}
	w.Advance(10 * sec)
	a.WantState(tcp.Established)
}

func TestOptions(t *testing.T) {
	w := newWire(t)
	a := w.NewApp(&w.Stack.TCP.NewSock().Sock)
	l := w.Stack.TCP
	const tcpLevel = syscall.IPPROTO_TCP
	for _, o := range []struct {
		level, name, value int
		want               syscall.Errno
	}{
		{tcpLevel, 1, 1, 0}, {tcpLevel, 1, 0, 0},
		{tcpLevel, 2, 1000, 0}, {tcpLevel, 2, 10, syscall.EINVAL}, {tcpLevel, 2, 1 << 16, syscall.EINVAL},
		{tcpLevel, 3, 1, 0}, {tcpLevel, 3, 0, 0},
		{tcpLevel, 4, 100, 0}, {tcpLevel, 4, 0, syscall.EINVAL}, {tcpLevel, 4, 40000, syscall.EINVAL},
		{tcpLevel, 5, 100, 0}, {tcpLevel, 5, -1, syscall.EINVAL},
		{tcpLevel, 6, 5, 0}, {tcpLevel, 6, 128, syscall.EINVAL},
		{tcpLevel, 8, -1, 0}, {tcpLevel, 8, 10, 0},
		{tcpLevel, 12, 0, 0}, {tcpLevel, 12, 1, 0},
		{tcpLevel, 18, 1000, 0}, {tcpLevel, 18, -1, syscall.EINVAL},
		{tcpLevel, 23, 1, syscall.ENOPROTOOPT}, // TCP_FASTOPEN
		{syscall.IPPROTO_IP, syscall.IP_TTL, 5, 0}, {syscall.IPPROTO_IP, syscall.IP_TTL, 0, syscall.EINVAL},
		{syscall.IPPROTO_IP, syscall.IP_TTL, -1, 0},
		{syscall.IPPROTO_IP, syscall.IP_TOS, 0x13, 0}, {syscall.IPPROTO_IP, syscall.IP_TOS, 256, 0},
		{syscall.IPPROTO_IP, 99, 1, syscall.ENOPROTOOPT},
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1, 0}, {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 0, 0},
		{syscall.SOL_SOCKET, syscall.SO_DEBUG, 1, syscall.ENOPROTOOPT},
		{77, 1, 1, syscall.ENOPROTOOPT},
	} {
		if e := a.SK.SetInt(o.level, o.name, o.value); e != o.want {
			t.Errorf("option %d of level %d = %d: %v, want %v", o.name, o.level, o.value, e, o.want)
		}
		if o.want == syscall.ENOPROTOOPT {
			if _, e := a.SK.GetInt(o.level, o.name); e != o.want {
				t.Errorf("get option %d of level %d: %v", o.name, o.level, e)
			}
		}
	}
	for name, want := range map[int]int{1: 0, 2: 1000, 3: 0, 4: 100, 5: 100, 6: 5, 8: 10, 12: 1, 18: 1000} {
		if v, e := a.SK.GetInt(tcpLevel, name); v != want || e != 0 {
			t.Errorf("option %d: %d, %v, want %d", name, v, e, want)
		}
	}
	if l.SetCongestion(a.SK, "newreno") != 0 || l.Congestion(a.SK) != "newreno" {
		t.Error("newreno refused")
	}
	if e := l.SetCongestion(a.SK, "bbr9"); e != syscall.ENOENT {
		t.Errorf("unknown algorithm: %v", e)
	}
}

// TCP_CORK holds what does not fill a segment, for 200 ms at most.
func TestCork(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
	a.Write(100)
	w.Quiet()
	a.Write(1400)
	f.Expect(Seg{Len: 1460})
	f.Send(Seg{})
	w.Quiet()
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_CORK, 0)
	f.Expect(Seg{Len: 40})
	f.Send(Seg{})
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
	a.Write(10)
	near(t, "a corked segment", w.Until(sec), 200*ms)
	f.Expect(Seg{Len: 10})
}

// MSG_MORE holds what does not fill a segment until a call without it, for 200 ms at
// most; TCP_CORK stays as it is.
func TestMore(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.WriteMore(100)
	w.Quiet()
	a.WriteMore(1400)
	f.Expect(Seg{Len: 1460})
	f.Send(Seg{})
	w.Quiet()
	a.Write(5)
	f.Expect(Seg{Len: 45})
	f.Send(Seg{})
	a.WriteMore(10)
	near(t, "a part that waits for more", w.Until(sec), 200*ms)
	f.Expect(Seg{Len: 10})
	f.Send(Seg{})
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
	a.WriteMore(10)
	a.Write(10)
	w.Quiet()
	a.Set(syscall.IPPROTO_TCP, syscall.TCP_CORK, 0)
	f.Expect(Seg{Len: 20})
	f.Send(Seg{})
	a.WriteMore(10)
	a.Close()
	f.Expect(Seg{Flags: FIN | ACK, Len: 10})
}

// The path is silent about big packets: smaller ones get through. RFC 4821.
func TestRFC4821_BlackHole(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	a.Write(1460)
	f.Expect(Seg{Len: 1460})
	for range 10 {
		w.Until(perf.Minute)
		s, _ := f.Recv()
		if s.Len <= 1220 {
			if f.Frame.IP.Flags != 0 {
				t.Error("DF is still set")
			}
			f.Send(Seg{Ack: s.Seq + int64(s.Len)})
			f.SetRcv(s.Seq + int64(s.Len))
			f.Expect(Seg{Len: 1460 - s.Len})
			return
		}
	}
	t.Fatal("segments stay as big as they were")
}

// A connection that is over leaves its timer to the next one of its Sock, which has its own
// time-out nevertheless, and none of the old one's.
func TestTimerServesAgain(t *testing.T) {
	w := newWire(t)
	w.Listen(80, 8)
	for port := uint16(40000); port < 40010; port++ {
		f := w.Flow(80, port)
		f.Send(Seg{Flags: SYN, MSS: 1460})
		f.Expect(Seg{Flags: SYN | ACK})
		f.Send(Seg{Flags: RST, Seq: 1})
		w.Advance(perf.Tick(port%5) * 300 * ms)
		g := w.Flow(80, port+100)
		g.Send(Seg{Flags: SYN, MSS: 1460})
		g.Expect(Seg{Flags: SYN | ACK})
		near(t, "SYN-ACK again", w.Until(5*sec), sec)
		g.Expect(Seg{Flags: SYN | ACK, Seq: -1})
		g.Send(Seg{Flags: RST, Seq: 1})
	}
	w.QuietFor(10 * sec)
}

// A peer that dies while we are in FIN-WAIT-2 is found like any other.
func TestKeepAliveFinWait2(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{}, ms)
	into(w, f, a, tcp.FinWait2)
	keepAlive(a)
	near(t, "probe", w.Until(20*sec), 10*sec)
	for range 2 {
		f.Expect(Seg{Seq: 1})
		w.Until(20 * sec)
	}
	f.Expect(Seg{Seq: 1})
	w.Until(20 * sec)
	f.Expect(Seg{Flags: RST | ACK})
	a.WantError(syscall.ETIMEDOUT)
}

// While data is on its way to a peer that says nothing, keep-alive has nothing to do, and
// does not look all the time whether it has.
func TestKeepAliveRestsWithData(t *testing.T) {
	w := newWire(t)
	_, a := w.Passive(Seg{}, ms)
	keepAlive(a)
	w.Advance(9 * sec)
	a.Write(100)
	w.Advance(6 * sec)
	n := 0
	for end := w.Now + sec; w.Now < end; n++ {
		due, _ := w.Stack.Next(w.Now)
		w.Advance(max(due-w.Now, ms/10))
	}
	if w.Flush(); n > 50 {
		t.Errorf("%d timers in a second", n)
	}
	a.WantState(tcp.Established)
}
