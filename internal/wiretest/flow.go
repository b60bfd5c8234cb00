package wiretest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"dataplane/perf"
	"dataplane/tcp"

	"github.com/gopacket/gopacket/layers"
)

// Flow is one TCP connection, seen from the test's end of the link.
type Flow struct {
	Local, Remote         netip.Addr // the stack's address and the test's
	LocalPort, RemotePort uint16
	Wnd                   int    // window in what is sent: 65535
	TOS                   uint8  // of what is sent
	IRS                   uint32 // the test's first sequence number
	ISS                   uint32 // the stack's
	TSOffset              uint32 // added to the test's timestamp clock

	w      *Wire
	nxt    int64 // next byte of the test
	rcv    int64 // next byte of the stack
	gotSYN bool  // ISS is known
	tsSent bool  // the test's SYN had timestamps
	tsGot  bool  // the stack's SYN had them
	tsLast uint32
	Frame  *Frame // the frame taken last
}

// Flow returns a new connection between the stack's port and the test's. The
// test's sequence numbers begin close to the wrap.
func (w *Wire) Flow(localPort, remotePort uint16) *Flow {
	return &Flow{
		w: w, Local: Local, Remote: Peer, LocalPort: localPort, RemotePort: remotePort,
		Wnd: 65535, IRS: 0xfffff000, TSOffset: 0xfff0_0000,
	}
}

// Nxt is the next byte of the test, Rcv the next of the stack.
func (f *Flow) Nxt() int64 { return f.nxt }

// Rcv: see Nxt.
func (f *Flow) Rcv() int64 { return f.rcv }

// SetNxt moves the template: the test's next byte.
func (f *Flow) SetNxt(n int64) { f.nxt = n }

// SetRcv moves the template: the next byte expected of the stack.
func (f *Flow) SetRcv(n int64) { f.rcv = n }

// TSNow is the test's timestamp clock.
func (f *Flow) TSNow() uint32 { return uint32(f.w.Now/perf.Millisecond) + f.TSOffset }

// Send completes s from the template and sends it.
func (f *Flow) Send(s Seg) {
	f.w.T.Helper()
	if s.Flags == 0 {
		s.Flags = tcp.ACK
	}
	if s.Seq == 0 {
		s.Seq = f.nxt
	}
	if s.Ack == 0 {
		s.Ack = f.rcv
	}
	s.Seq, s.Ack = unzero(s.Seq), unzero(s.Ack)
	payload := []byte(s.Data)
	if s.Len > 0 {
		payload = Pattern(s.Seq-1+seqLen(s.Flags&tcp.SYN, 0), s.Len)
	}
	l := &layers.TCP{
		SrcPort: layers.TCPPort(f.RemotePort), DstPort: layers.TCPPort(f.LocalPort),
		Seq: f.IRS + uint32(s.Seq), Window: uint16(f.Wnd), Urgent: s.Urgent,
	}
	setFlags(l, s.Flags)
	if l.ACK {
		l.Ack = f.ISS + uint32(s.Ack)
	}
	if s.Wnd != 0 {
		l.Window = uint16(max(s.Wnd, 0))
	}
	f.stamp(&s)
	if s.RawOpts != nil {
		for range (len(s.RawOpts) + 3) &^ 3 { // room, filled in below
			l.Options = append(l.Options, layers.TCPOption{OptionType: layers.TCPOptionKindNop, OptionLength: 1})
		}
	} else {
		l.Options = s.options(func(v int64) uint32 { return f.ISS + uint32(v) })
	}
	frame := f.w.serialize(f, l, payload)
	if s.RawOpts != nil {
		rewrite(frame, s.RawOpts)
	}
	if s.BadSum {
		frame[tcpAt+16] ^= 0x55
	}
	if !s.BadSum && s.Flags&tcp.RST == 0 {
		f.nxt = max(f.nxt, s.Seq+seqLen(s.Flags, len(payload)))
	}
	f.w.Raw(frame)
}

// stamp decides on timestamps.
func (f *Flow) stamp(s *Seg) {
	switch {
	case s.Flags&tcp.SYN != 0:
		f.tsSent = s.TS
	case s.NoTS:
		s.TS = false
	default:
		s.TS = s.TS || f.tsSent && f.tsGot
	}
	if s.TS && s.TSVal == 0 {
		s.TSVal = f.TSNow()
	}
	if s.TS && s.TSEcr == 0 && s.Flags&tcp.ACK != 0 {
		s.TSEcr = f.tsLast
	}
}

func unzero(v int64) int64 {
	if v == SeqZero {
		return 0
	}
	return v
}

// Recv takes the oldest frame, which must be a segment of this flow, and
// returns it in relative numbers. False: there is none.
func (f *Flow) Recv() (Seg, bool) {
	f.w.T.Helper()
	if len(f.w.got) == 0 {
		return Seg{}, false
	}
	fr := f.w.got[0]
	f.w.got = f.w.got[1:]
	l := fr.TCP
	if l == nil || uint16(l.SrcPort) != f.LocalPort || uint16(l.DstPort) != f.RemotePort {
		f.w.fatalf("want a segment of port %d to %d, got %s", f.LocalPort, f.RemotePort, fr)
	}
	f.Frame = fr
	if l.SYN {
		f.ISS, f.gotSYN = l.Seq, true
	}
	s := f.relative(l, fr.Payload)
	if l.SYN {
		f.tsGot = s.TS
	}
	if s.TS {
		f.tsLast = s.TSVal
	}
	if l.RST {
		return s, true
	}
	f.rcv = max(f.rcv, s.Seq+seqLen(s.Flags, s.Len))
	return s, true
}

// relative reads a header into the numbers of the test.
func (f *Flow) relative(l *layers.TCP, payload []byte) Seg {
	s := Seg{
		Flags: flags(l), Wnd: int(l.Window), Urgent: l.Urgent,
		Len: len(payload), Data: string(payload),
		Seq: near(l.Seq-f.ISS, f.rcv),
	}
	if l.ACK {
		s.Ack = near(l.Ack-f.IRS, f.nxt)
	}
	be := binary.BigEndian
	for _, o := range l.Options {
		switch d := o.OptionData; o.OptionType {
		case layers.TCPOptionKindMSS:
			s.MSS = int(be.Uint16(d))
		case layers.TCPOptionKindWindowScale:
			if s.WScale = int(d[0]); s.WScale == 0 {
				s.WScale = ZeroScale
			}
		case layers.TCPOptionKindSACKPermitted:
			s.SackOK = true
		case layers.TCPOptionKindTimestamps:
			s.TS, s.TSVal, s.TSEcr = true, be.Uint32(d), be.Uint32(d[4:])
		case layers.TCPOptionKindSACK:
			for ; len(d) >= 8; d = d[8:] {
				s.Sack = append(s.Sack, Block{near(be.Uint32(d)-f.IRS, f.nxt), near(be.Uint32(d[4:])-f.IRS, f.nxt)})
			}
		}
	}
	return s
}

// near is the position with these low 32 bits that is closest to at.
func near(v uint32, at int64) int64 { return at + int64(int32(v-uint32(at))) }

// Expect takes the oldest frame and compares it with s.
func (f *Flow) Expect(s Seg) Seg {
	f.w.T.Helper()
	f.complete(&s)
	got, ok := f.Recv()
	if !ok {
		f.w.fatalf("want a segment, got nothing: %s", f.describe(&s))
	}
	if d := f.diff(&s, &got); len(d) > 0 {
		f.w.fatalf("the segment differs:\n\t%s", strings.Join(d, "\n\t"))
	}
	return got
}

// complete fills in what a test left out of an expected segment.
func (f *Flow) complete(s *Seg) {
	if s.Flags == 0 {
		s.Flags = tcp.ACK
	}
	if s.Seq == 0 {
		s.Seq = f.rcv
	}
	if s.Ack == 0 {
		s.Ack = f.nxt
	}
	s.Seq, s.Ack = unzero(s.Seq), unzero(s.Ack)
	if s.Data != "" {
		s.Len = len(s.Data)
	}
}

func (f *Flow) describe(s *Seg) string {
	return fmt.Sprintf("%s seq %d ack %d len %d", FlagString(s.Flags), s.Seq, s.Ack, s.Len)
}
