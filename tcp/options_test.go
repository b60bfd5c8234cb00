package tcp

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"dataplane/ip"

	"github.com/gopacket/gopacket/layers"
)

// randomOptions are options as a connection would send them.
func randomOptions(rnd *rand.Rand) Options {
	o := Options{WScale: -1}
	if rnd.IntN(2) == 0 {
		o.TS, o.TSVal, o.TSEcr = true, rnd.Uint32(), rnd.Uint32()
	}
	if rnd.IntN(2) == 0 {
		o.MSS = uint16(1 + rnd.IntN(65535))
		o.SackOK = rnd.IntN(2) == 0
		o.WScale = int8(rnd.IntN(16) - 1)
		return o
	}
	o.NSack = rnd.IntN(maxSack + 1)
	if o.TS {
		o.NSack = min(o.NSack, maxSackTS)
	}
	for i := range o.NSack {
		o.Sack[i] = Block{rnd.Uint32(), rnd.Uint32()}
	}
	return o
}

// gopacketOptions reads decoded options into ours.
func gopacketOptions(opts []layers.TCPOption) Options {
	o := Options{WScale: -1}
	for _, p := range opts {
		d := p.OptionData
		switch p.OptionType {
		case layers.TCPOptionKindMSS:
			o.MSS = binary.BigEndian.Uint16(d)
		case layers.TCPOptionKindWindowScale:
			o.WScale = int8(d[0])
		case layers.TCPOptionKindSACKPermitted:
			o.SackOK = true
		case layers.TCPOptionKindTimestamps:
			o.TS, o.TSVal, o.TSEcr = true, binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])
		case layers.TCPOptionKindSACK:
			for ; len(d) >= 8; d = d[8:] {
				o.Sack[o.NSack] = Block{binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])}
				o.NSack++
			}
		}
	}
	return o
}

// segmentOf puts options behind a fixed header.
func segmentOf(o *Options) []byte {
	b := make([]byte, HeaderLen+o.Len())
	PutHeader(b, 1, 2, 3, 4, len(b), ACK, 5)
	o.Put(b[HeaderLen:])
	return b
}

// TestOptionsRoundTrip: what we write, gopacket and we ourselves read back.
func TestOptionsRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		o := randomOptions(rnd)
		if n := o.Len(); n%4 != 0 || n > 40 {
			t.Fatalf("%+v takes %d bytes", o, n)
		}
		seg := segmentOf(&o)
		if n := o.Put(seg[HeaderLen:]); n != o.Len() {
			t.Fatalf("%+v: Len %d, Put %d", o, o.Len(), n)
		}
		if got := gopacketOptions(decode(t, seg).Options); got != o {
			t.Fatalf("gopacket reads\n%+v, we wrote\n%+v", got, o)
		}
		var got Options
		if !got.Parse(seg[HeaderLen:], o.MSS != 0) || got != o {
			t.Fatalf("read back\n%+v, wrote\n%+v", got, o)
		}
	}
}

// TestOptionsOrder: Linux's order, byte for byte.
func TestOptionsOrder(t *testing.T) {
	const ts = "\x08\x0a\x00\x00\x00\x07\x00\x00\x00\x09"
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"nothing", Options{WScale: -1}, ""},
		{"shift without MSS is not written", Options{WScale: 7}, ""},
		{"mss", Options{MSS: 1460, WScale: -1}, "\x02\x04\x05\xb4"},
		{"all of a SYN", Options{MSS: 1460, SackOK: true, TS: true, TSVal: 7, TSEcr: 9, WScale: 7},
			"\x02\x04\x05\xb4" + "\x04\x02" + ts + "\x01\x03\x03\x07"},
		{"SYN without timestamps", Options{MSS: 1460, SackOK: true, WScale: 0},
			"\x02\x04\x05\xb4" + "\x01\x01\x04\x02" + "\x01\x03\x03\x00"},
		{"SYN without SACK", Options{MSS: 1460, TS: true, TSVal: 7, TSEcr: 9, WScale: -1},
			"\x02\x04\x05\xb4" + "\x01\x01" + ts},
		{"timestamps", Options{TS: true, TSVal: 7, TSEcr: 9}, "\x01\x01" + ts},
		{"one block", Options{NSack: 1, Sack: [4]Block{{1, 2}}}, "\x01\x01\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02"},
		{"four blocks and timestamps: three fit", Options{TS: true, TSVal: 7, TSEcr: 9, NSack: 4, Sack: [4]Block{{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
			"\x01\x01" + ts + "\x01\x01\x05\x1a\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x06"},
	} {
		var b [40]byte
		if n := tt.o.Put(b[:]); string(b[:n]) != tt.want {
			t.Errorf("%s: % x, want % x", tt.name, b[:n], tt.want)
		}
	}
}

// TestOptionsMalformed: RFC 9293 MUST-5..7.
func TestOptionsMalformed(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		syn  bool
		ok   bool
		want Options
	}{
		{"empty", "", true, true, Options{WScale: -1}},
		{"nops", "\x01\x01\x01\x01", true, true, Options{WScale: -1}},
		{"end hides the rest", "\x00\x02\x04\x05", true, true, Options{WScale: -1}},
		{"kind at the end", "\x01\x01\x01\x02", true, false, Options{WScale: -1}},
		{"length 0", "\x02\x00\x05\xb4", true, false, Options{WScale: -1}},
		{"length 1", "\x02\x01\x05\xb4", true, false, Options{WScale: -1}},
		{"length overruns", "\x02\x05\x05\xb4", true, false, Options{WScale: -1}},
		{"length 255", "\xfe\xff\x05\xb4", true, false, Options{WScale: -1}},
		{"unknown kind is skipped", "\xfe\x04\x05\xb4\x02\x04\x02\x18", true, true, Options{MSS: 536, WScale: -1}},
		{"unknown kind of length 2", "\xfe\x02\x04\x02", true, true, Options{SackOK: true, WScale: -1}},
		{"MSS of length 3", "\x02\x03\x05\x01", true, true, Options{WScale: -1}},
		{"MSS without SYN", "\x02\x04\x05\xb4", false, true, Options{WScale: -1}},
		{"shift of 15 is 14", "\x01\x03\x03\x0f", true, true, Options{WScale: 14}},
		{"shift of 255 is 14", "\x01\x03\x03\xff", true, true, Options{WScale: 14}},
		{"shift without SYN", "\x01\x03\x03\x07", false, true, Options{WScale: -1}},
		{"SACK of no block", "\x05\x02\x01\x01", false, true, Options{WScale: -1}},
		{"SACK of half a block", "\x05\x06\x00\x00\x00\x01\x01\x01", false, true, Options{WScale: -1}},
		{"SACK on SYN", "\x05\x0a\x00\x00\x00\x01\x00\x00\x00\x02", true, true, Options{WScale: -1}},
		{"what stood before a bad one counts", "\x02\x04\x02\x18\x03\x00", true, false, Options{MSS: 536, WScale: -1}},
		{"timestamps of length 9", "\x08\x09\x00\x00\x00\x01\x00\x00\x00", false, true, Options{WScale: -1}},
		{"timestamps the other way round", "\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02\x01\x01", false, true,
			Options{TS: true, TSVal: 1, TSEcr: 2, WScale: -1}},
	} {
		got := Options{MSS: 9, TS: true, NSack: 3, SackOK: true}
		if ok := got.Parse([]byte(tt.in), tt.syn); ok != tt.ok || got != tt.want {
			t.Errorf("%s: %v %+v, want %v %+v", tt.name, ok, got, tt.ok, tt.want)
		}
	}
}

// TestOptionsFastPath: the short ways give what the long way gives, for what they take;
// and they take what nearly every segment has.
func TestOptionsFastPath(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	took := [2]int{}
	for i := range 100000 {
		o := randomOptions(rnd)
		if i%2 == 0 {
			o = Options{MSS: uint16(rnd.IntN(1 << 16)), WScale: int8(rnd.IntN(15)), SackOK: true, TS: true, TSVal: rnd.Uint32()}
		}
		b, flags := segmentOf(&o), uint8(ACK)
		if rnd.IntN(2) == 0 {
			flags |= SYN
		}
		if rnd.IntN(2) == 0 {
			b[HeaderLen-1+rnd.IntN(len(b)-HeaderLen+1)] ^= 1 << rnd.IntN(8)
		}
		var slow Options
		slow.Parse(b[HeaderLen:], flags&SYN != 0)
		for k, f := range []func(*Options, Header, uint8) bool{(*Options).brief, (*Options).briefSyn} {
			fast := Options{MSS: 1, WScale: 3, SackOK: true, NSack: 2}
			if !f(&fast, b, flags) {
				continue
			}
			if took[k]++; fast != slow {
				t.Fatalf("% x: %+v, want %+v", b, fast, slow)
			}
		}
	}
	if took[0] < 100 || took[1] < 1000 {
		t.Errorf("the short ways took %v", took)
	}
}

func FuzzOptions(f *testing.F) {
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		o := randomOptions(rnd)
		f.Add(segmentOf(&o)[HeaderLen:], o.MSS != 0)
	}
	f.Add([]byte{2, 0, 3, 1, 5, 255}, true)
	f.Fuzz(func(t *testing.T, b []byte, syn bool) {
		var o Options
		if allocs := testing.AllocsPerRun(1, func() { o.Parse(b, syn) }); allocs != 0 {
			t.Fatalf("%v allocations", allocs)
		}
		if o.NSack > maxSack || o.WScale > maxWScale || o.WScale < -1 || (!syn && (o.MSS != 0 || o.SackOK || o.WScale >= 0)) {
			t.Fatalf("% x gives %+v", b, o)
		}
		// Whatever was understood can be said again and understood again.
		clear(o.Sack[o.NSack:]) // a second option with fewer blocks leaves some behind
		if o.MSS == 0 {
			o.WScale, o.SackOK = -1, false
		}
		if o.TS && o.NSack > maxSackTS {
			o.NSack, o.Sack[3] = maxSackTS, Block{}
		}
		var buf [40]byte
		var again Options
		if n := o.Put(buf[:]); !again.Parse(buf[:n], o.MSS != 0) || again != o {
			t.Fatalf("% x: %+v became %+v", b, o, again)
		}
	})
}

// TestPutSyn: the short way writes what the long one does, and knows its sum.
func TestPutSyn(t *testing.T) {
	for i := range uint32(1000) {
		o := Options{MSS: uint16(i*65 + 1), WScale: int8(i % 15), SackOK: i%7 != 0, TS: i%11 != 0, TSVal: i * 0x9e3779b1, TSEcr: ^i}
		long, short := make([]byte, HeaderLen+o.Len()), make([]byte, HeaderLen+o.Len())
		o.Put(long[HeaderLen:])
		sum, ok := o.putSyn(short)
		if ok != (o.SackOK && o.TS) {
			t.Fatalf("%+v: %v", o, ok)
		}
		if ok && (string(long) != string(short) || ip.Fold(sum) != ip.Checksum(long, 0)) {
			t.Fatalf("%+v: % x, sum %#x; want % x, %#x", o, short, ip.Fold(sum), long, ip.Checksum(long, 0))
		}
	}
}

func BenchmarkOptionsParse(b *testing.B) {
	for _, tt := range []struct {
		name string
		o    Options
	}{
		{"ts", Options{TS: true, TSVal: 7}},
		{"ts+sack", Options{TS: true, NSack: 3}},
	} {
		in := segmentOf(&tt.o)[HeaderLen:]
		b.Run(tt.name, func(b *testing.B) {
			var o Options
			for b.Loop() {
				o.Parse(in, false)
			}
		})
	}
}
