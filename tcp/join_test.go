package tcp

import (
	"encoding/binary"
	"testing"

	"dataplane/ip"
	"dataplane/mbuf"
)

// TestJoinConditions: two segments that continue each other are joined, and not
// where anything else differs.
func TestJoinConditions(t *testing.T) {
	be := binary.BigEndian
	for name, c := range map[string]struct {
		change func(f []byte, m *mbuf.Mbuf) // the second frame
		frames int                          // after joining
		raw    bool                         // the checksums stay as they are then
	}{
		"nothing":          {func([]byte, *mbuf.Mbuf) {}, 1, false},
		"ID":               {func(f []byte, _ *mbuf.Mbuf) { f[18]++ }, 1, false},
		"push":             {func(f []byte, _ *mbuf.Mbuf) { f[47] |= PSH }, 1, false},
		"station":          {func(f []byte, _ *mbuf.Mbuf) { f[8]++ }, 2, false},
		"destination":      {func(f []byte, _ *mbuf.Mbuf) { f[2]++ }, 2, false},
		"ethertype":        {func(f []byte, _ *mbuf.Mbuf) { f[13]++ }, 2, false},
		"TOS":              {func(f []byte, _ *mbuf.Mbuf) { f[15] = 4 }, 2, false},
		"CE":               {func(f []byte, _ *mbuf.Mbuf) { f[15] = 3 }, 2, false},
		"TTL":              {func(f []byte, _ *mbuf.Mbuf) { f[22]-- }, 2, false},
		"DF":               {func(f []byte, _ *mbuf.Mbuf) { f[20] = 0 }, 2, false},
		"more fragments":   {func(f []byte, _ *mbuf.Mbuf) { f[20] |= 0x20 }, 2, false},
		"offset":           {func(f []byte, _ *mbuf.Mbuf) { f[21] = 1 }, 2, false},
		"source":           {func(f []byte, _ *mbuf.Mbuf) { f[29]++ }, 2, false},
		"port":             {func(f []byte, _ *mbuf.Mbuf) { f[35]++ }, 2, false},
		"later":            {func(f []byte, _ *mbuf.Mbuf) { f[41]++ }, 2, false},
		"earlier":          {func(f []byte, _ *mbuf.Mbuf) { f[41]-- }, 2, false},
		"acknowledgement":  {func(f []byte, _ *mbuf.Mbuf) { f[45]++ }, 2, false},
		"window":           {func(f []byte, _ *mbuf.Mbuf) { f[49]++ }, 2, false},
		"FIN":              {func(f []byte, _ *mbuf.Mbuf) { f[47] |= FIN }, 2, false},
		"RST":              {func(f []byte, _ *mbuf.Mbuf) { f[47] |= RST }, 2, false},
		"URG":              {func(f []byte, _ *mbuf.Mbuf) { f[47] |= URG }, 2, false},
		"ECE":              {func(f []byte, _ *mbuf.Mbuf) { f[47] |= ECE }, 2, false},
		"timestamp":        {func(f []byte, _ *mbuf.Mbuf) { f[61]++ }, 2, false},
		"echo":             {func(f []byte, _ *mbuf.Mbuf) { f[65]++ }, 2, false},
		"options":          {func(f []byte, _ *mbuf.Mbuf) { f[54] = 0 }, 2, false},
		"IP checksum":      {func(f []byte, _ *mbuf.Mbuf) { f[24]++ }, 2, true},
		"TCP checksum":     {func(f []byte, _ *mbuf.Mbuf) { f[50]++ }, 2, true},
		"payload":          {func(f []byte, _ *mbuf.Mbuf) { f[70]++ }, 2, true},
		"padded":           {func(_ []byte, m *mbuf.Mbuf) { m.Append(2) }, 2, true},
		"cut":              {func(_ []byte, m *mbuf.Mbuf) { m.Trim(2) }, 2, true},
		"tiny":             {func(_ []byte, m *mbuf.Mbuf) { m.Trim(int(m.PktLen) - 10) }, 2, true},
		"port of the host": {func(_ []byte, m *mbuf.Mbuf) { m.Port = 3 }, 2, true},
		"merged":           {func(_ []byte, m *mbuf.Mbuf) { m.OlFlags |= mbuf.RxLRO }, 2, true},
		"copied":           {func(_ []byte, m *mbuf.Mbuf) { m.OlFlags |= mbuf.FlagCopy }, 2, true},
		"tagged":           {func(_ []byte, m *mbuf.Mbuf) { m.OlFlags |= mbuf.RxVLANStripped }, 2, true},
		"bad":              {func(_ []byte, m *mbuf.Mbuf) { m.OlFlags |= mbuf.RxL4ChecksumBad }, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, 0, 1500)
			b.settle()
			b.a.TX.Write(b.buf[:5000])
			b.l.train(b.a, b.a.snd.nxt, 2*b.a.segSize(), 0)
			f := b.taken()
			c.change(f[1].Bytes(), f[1])
			if x := f[1].Bytes(); !c.raw {
				be.PutUint16(x[24:], 0)
				be.PutUint16(x[24:], ^ip.Checksum(x[14:34], 0))
				be.PutUint16(x[50:], 0)
				be.PutUint16(x[50:], ^ip.Checksum(x[26:], uint32(Proto+len(x)-34)))
			}
			n := b.l.Join(f)
			if n != c.frames {
				t.Errorf("%d frames, want %d", n, c.frames)
			}
			if n == 1 && (f[0].NbSegs != 2 || f[0].OlFlags&mbuf.FlagJoined == 0 || f[0].SegSize() != b.a.segSize() ||
				int(f[0].PktLen) != 66+2*b.a.segSize() || int(be.Uint16(f[0].Bytes()[16:])) != 52+2*b.a.segSize()) {
				t.Errorf("%+v", f[0])
			}
			b.pool.FreeBulk(f[:n])
		})
	}
}

// TestJoinLongest: no packet grows beyond what IP can tell, however many frames
// there are.
func TestJoinLongest(t *testing.T) {
	b := newBench(t, 0, 1500)
	b.settle()
	b.a.TX.Write(b.buf[:200_000])
	var f []*mbuf.Mbuf
	for i := range 3 {
		n := trainMax * b.a.segSize()
		b.l.train(b.a, b.a.snd.nxt+uint32(i*n), n, 0)
	}
	f = b.taken()
	n := b.l.Join(f)
	sum := 0
	for _, m := range f[:n] {
		sum += int(m.NbSegs)
		if m.PktLen > 14+ip.MaxPacket {
			t.Errorf("%d bytes", m.PktLen)
		}
	}
	if n != 3 || sum != 96 {
		t.Errorf("%d frames of %d", n, sum)
	}
	b.pool.FreeBulk(f[:n])
}

// BenchmarkJoin is a burst of 32 small segments in which nothing can be joined,
// and one in which everything is, where the checksums are good and cutting it apart again counts,
// too.
func BenchmarkJoin(b *testing.B) {
	for name, flows := range map[string]int{"small": 32, "bulk": 1} {
		b.Run(name, func(b *testing.B) {
			x := newBench(b, 0, 1500)
			x.settle()
			x.a.TX.Write(x.buf[:200_000])
			n, flags := x.a.segSize(), uint8(0)
			if flows > 1 {
				n, flags = 64, PSH
			}
			for i := range trainMax {
				x.l.emit(x.a, x.a.snd.nxt+uint32(i*n), n, flags)
			}
			f := x.taken()
			for i, m := range f {
				m.OlFlags |= mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood
				m.Bytes()[35] += byte(i % flows)
			}
			sum := 0
			begin := cpu()
			for i := 0; i < b.N; i += len(f) {
				burst := f
				sum += x.l.Join(append(x.q.frames[:0], burst...))
				if flows == 1 { // cut it apart again
					for k, m := range f {
						if k > 0 {
							m.Prepend(66)
						} else {
							m.OlFlags &^= mbuf.FlagJoined | mbuf.RxLRO
							be := binary.BigEndian
							be.PutUint16(m.Bytes()[16:], uint16(52+n))
						}
						m.SetNext(nil)
						m.NbSegs, m.PktLen = 1, uint32(m.DataLen)
					}
				}
			}
			b.ReportMetric((cpu()-begin)/float64(b.N), "cpu-ns/frame")
			if flows > 1 && sum%trainMax != 0 || sum == 0 {
				b.Error("joined what is not of one flow")
			}
			x.pool.FreeBulk(f)
		})
	}
}
