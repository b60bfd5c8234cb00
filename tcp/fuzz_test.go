package tcp_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"dataplane/internal/wiretest"
	"dataplane/perf"
)

// FuzzConnection feeds a live connection: each eight bytes of input are one
// step, a segment near the edges of what is valid, something the application
// does, or time that passes. Whatever happens nothing panics, no buffer is
// lost, every frame that leaves is well formed, every frame that came is
// accounted for, and the application reads the stream the peer sent or nothing.
func FuzzConnection(f *testing.F) {
	f.Add(byte(0), []byte("\x10\x00\x00\x05\x00\x00\x00\x00"))
	f.Add(byte(7), []byte("\x01\x02\x03\x04\x05\x06\x07\x08\x11\x00\x00\x00\x00\x00\x00\x00\xc0\x01\x02\x03\x04\x05\x06\x07"))
	f.Add(byte(15), []byte("\x80\x00\x10\x00\x00\x00\x00\x00\x10\x00\x01\x01\x00\x00\x03\x00\xe0\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(byte(19), []byte("\x18\x00\x00\x10\x00\x00\x00\x02\x11\x00\x10\x00\x00\x00\x00\x00\xa0\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, how byte, in []byte) {
		if len(in) > 8*200 {
			in = in[:8*200]
		}
		// A turn that never ends is found out like a panic.
		dog := time.AfterFunc(10*time.Second, func() {
			buf := make([]byte, 1<<16)
			panic("hangs:\n" + string(buf[:runtime.Stack(buf, true)]))
		})
		defer dog.Stop()
		w := wiretest.New(t, wiretest.Config{})
		fl, a := begin(w, how)
		if a == nil {
			return
		}
		for ; len(in) >= 8; in = in[8:] {
			step(w, fl, a, in[:8], how&16 != 0)
			w.Flush()
		}
		w.Advance(perf.Minute)
		w.Flush()
	})
}

// begin opens a connection with the options and from the side that how says.
func begin(w *Wire, how byte) (*Flow, *App) {
	o := Seg{MSS: 1000, SackOK: how&1 != 0, TS: how&2 != 0}
	if how&4 != 0 {
		o.WScale = 7
	}
	switch {
	case how&16 != 0: // in the middle of a handshake
		a := w.Connect(40000, 80)
		fl := w.Flow(40000, 80)
		fl.Recv()
		return fl, a
	case how&8 != 0:
		return w.Active(o, 10*ms)
	}
	return w.Passive(o, 10*ms)
}

// step is one of the eight-byte steps. opening: the stack may still wait for
// the peer's SYN, whose number must be the one the stream is counted from.
func step(w *Wire, fl *Flow, a *App, b []byte, opening bool) {
	x, y := int64(int8(b[1])), int(binary.BigEndian.Uint16(b[2:]))
	switch b[0] >> 5 {
	case 4: // the application writes
		a.Write(y)
	case 5: // reads
		a.Expect(min(y, a.Readable()))
	case 6: // closes, a little or altogether
		switch b[1] & 7 {
		case 0:
			a.Close()
		case 1:
			a.CloseWrite()
		case 2:
			a.CloseRead()
		}
	case 7:
		w.Advance(perf.Tick(y) * ms)
	default:
		s := Seg{
			Flags: b[0]&0x3f | ACK*(b[7]&1),
			Seq:   fl.Nxt() + x, Ack: fl.Rcv() + int64(int8(b[4])), Len: y % 1400,
			Wnd: int(b[5]) << 6, Urgent: uint16(b[6]),
		}
		if b[7]&2 != 0 {
			s.Sack = sack(fl.Rcv()-int64(b[6])*10, fl.Rcv()-int64(b[5]))
		}
		if b[7]&4 != 0 {
			s.TSVal = fl.TSNow() + uint32(int8(b[6]))<<8
		}
		if b[7]&8 != 0 {
			s.RawOpts = b[1:8]
		}
		if b[7]&16 != 0 {
			s.NoTS = true
		}
		if b[7]&32 != 0 {
			s.Seq += int64(b[6]) << 24
		}
		if s.Seq < 1 && s.Flags&SYN == 0 {
			s.Seq = 1
		}
		if opening && s.Flags&SYN != 0 {
			s.Seq = wiretest.SeqZero
		}
		nxt := fl.Nxt()
		fl.Send(s)
		if s.Seq > nxt+1<<20 { // far beyond the window: go on where we were
			fl.SetNxt(nxt)
		}
	}
}
