package tcp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"dataplane/ip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// encode lets gopacket write a segment.
func encode(t testing.TB, l *layers.TCP, payload []byte) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, l, gopacket.Payload(payload)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// decode lets gopacket read a segment.
func decode(t testing.TB, b []byte) *layers.TCP {
	t.Helper()
	var l layers.TCP
	if err := l.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		t.Fatalf("gopacket refuses % x: %v", b, err)
	}
	return &l
}

func flagsOf(l *layers.TCP) (f uint8) {
	for i, set := range []bool{l.FIN, l.SYN, l.RST, l.PSH, l.ACK, l.URG, l.ECE, l.CWR} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// TestHeaderRead: what an independent encoder wrote, the accessors read.
func TestHeaderRead(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		v := rnd.Uint32()
		l := &layers.TCP{
			SrcPort: layers.TCPPort(rnd.Uint32()), DstPort: layers.TCPPort(rnd.Uint32()),
			Seq: rnd.Uint32(), Ack: rnd.Uint32(), Window: uint16(rnd.Uint32()),
			Checksum: uint16(rnd.Uint32()), Urgent: uint16(rnd.Uint32()),
			FIN: v&1 != 0, SYN: v&2 != 0, RST: v&4 != 0, PSH: v&8 != 0,
			ACK: v&16 != 0, URG: v&32 != 0, ECE: v&64 != 0, CWR: v&128 != 0,
		}
		opts := rnd.IntN(11)
		for range opts * 4 {
			l.Options = append(l.Options, layers.TCPOption{OptionType: layers.TCPOptionKindNop})
		}
		payload := make([]byte, rnd.IntN(50))
		h, ok := ParseHeader(encode(t, l, payload))
		if !ok {
			t.Fatal("a good header is refused")
		}
		if h.SrcPort() != uint16(l.SrcPort) || h.DstPort() != uint16(l.DstPort) || h.Seq() != l.Seq ||
			h.Ack() != l.Ack || h.Window() != l.Window || h.Checksum() != l.Checksum ||
			h.Urgent() != l.Urgent || h.Flags() != flagsOf(l) {
			t.Fatalf("read % x as %d>%d seq %d ack %d", h, h.SrcPort(), h.DstPort(), h.Seq(), h.Ack())
		}
		if h.HdrLen() != HeaderLen+4*opts || len(h.Opts()) != 4*opts || len(h) != h.HdrLen() || cap(h) != len(h) {
			t.Fatalf("header length %d, options %d, want %d options", h.HdrLen(), len(h.Opts()), 4*opts)
		}
	}
}

// TestHeaderWrite: what we write, an independent decoder reads.
func TestHeaderWrite(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		b := bytes.Repeat([]byte{0xff}, MaxHeaderLen)
		n := HeaderLen + 4*rnd.IntN(11)
		sp, dp, wnd := uint16(rnd.Uint32()), uint16(rnd.Uint32()), uint16(rnd.Uint32())
		seq, ack, flags := rnd.Uint32(), rnd.Uint32(), uint8(rnd.Uint32())
		if sum, want := PutHeader(b, sp, dp, seq, ack, n, flags, wnd), ip.Checksum(b[:HeaderLen], 0); ip.Fold(sum) != want {
			t.Fatalf("% x sums to %#x, not to %#x", b[:HeaderLen], want, sum)
		}
		for i := HeaderLen; i < n; i++ {
			b[i] = optNOP
		}
		l := decode(t, b[:n])
		if uint16(l.SrcPort) != sp || uint16(l.DstPort) != dp || l.Seq != seq || l.Ack != ack ||
			int(l.DataOffset)*4 != n || flagsOf(l) != flags || l.Window != wnd || l.Checksum != 0 || l.Urgent != 0 {
			t.Fatalf("% x read as %+v", b[:n], l)
		}
		h := Header(b[:n])
		h.SetSeq(^seq)
		h.SetFlags(^flags)
		h.SetChecksum(0x1234)
		if l = decode(t, b[:n]); l.Seq != ^seq || l.Ack != ack || flagsOf(l) != ^flags ||
			l.Window != wnd || l.Checksum != 0x1234 || l.Urgent != 0 {
			t.Fatalf("setters: % x read as %+v", b[:n], l)
		}
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	good := make([]byte, 60)
	for _, tt := range []struct {
		name   string
		length int
		offset uint8
		ok     bool
	}{
		{"nothing", 0, 5, false},
		{"one byte short", 19, 5, false},
		{"no options", 20, 5, true},
		{"offset 0", 20, 0, false},
		{"offset 4", 60, 4, false},
		{"offset beyond the segment", 20, 6, false},
		{"offset just beyond", 59, 15, false},
		{"all options", 60, 15, true},
	} {
		good[12] = tt.offset << 4
		if _, ok := ParseHeader(good[:tt.length]); ok != tt.ok {
			t.Errorf("%s: ok %v, want %v", tt.name, ok, tt.ok)
		}
	}
	if _, ok := ParseHeader(nil); ok {
		t.Error("nil is a header")
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(make([]byte, 20))
	f.Add(encode(f, &layers.TCP{SYN: true, Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 0xb4}}}}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := ParseHeader(b)
		if !ok {
			if len(b) >= HeaderLen && b[12]>>4 >= 5 && int(b[12]>>4)*4 <= len(b) {
				t.Fatal("refused for no reason")
			}
			return
		}
		var o Options
		o.Parse(h.Opts(), h.Flags()&SYN != 0)
		var l layers.TCP
		if l.DecodeFromBytes(b, gopacket.NilDecodeFeedback) == nil {
			if l.Seq != h.Seq() || l.Ack != h.Ack() || flagsOf(&l) != h.Flags() || int(l.DataOffset)*4 != h.HdrLen() {
				t.Fatalf("gopacket reads % x otherwise", b)
			}
		}
	})
}

// TestSequence: RFC 9293 3.4, at the wrap and at half the circle.
func TestSequence(t *testing.T) {
	for _, base := range []uint32{0, 1, 1 << 31, 1<<31 - 1, 1<<32 - 1, 0xfffffff0} {
		for _, d := range []uint32{1, 2, 1000, 1<<31 - 1} {
			a, b := base, base+d
			if !seqLT(a, b) || seqLT(b, a) || !seqLEQ(a, b) || seqLEQ(b, a) ||
				seqGT(a, b) || !seqGT(b, a) || seqGEQ(a, b) || !seqGEQ(b, a) {
				t.Errorf("%#x is not before %#x", a, b)
			}
			if seqMax(a, b) != b || seqMax(b, a) != b || seqMin(a, b) != a || seqMin(b, a) != a {
				t.Errorf("max or min of %#x and %#x", a, b)
			}
		}
		if seqLT(base, base) || seqGT(base, base) || !seqLEQ(base, base) || !seqGEQ(base, base) {
			t.Errorf("%#x differs from itself", base)
		}
	}
}

func BenchmarkHeaderRead(b *testing.B) {
	buf := make([]byte, 20)
	buf[12] = 5 << 4
	var sum uint32
	for b.Loop() {
		h, _ := ParseHeader(buf)
		sum += h.Seq() + h.Ack() + uint32(h.SrcPort()) + uint32(h.DstPort()) + uint32(h.Flags()) + uint32(h.Window())
	}
	if sum == 1 {
		b.Log(sum)
	}
}
