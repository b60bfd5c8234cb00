package wiretest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"dataplane/tcp"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Seg is a TCP segment, sent by the test or expected of the stack. Seq and Ack
// count from the SYN of whoever's bytes they number: 0 is the SYN, 1 the first
// byte. What is zero takes the flow's template value when sent:
//
//	Flags   ACK
//	Seq     the next byte of the test
//	Ack     everything received so far
//	Wnd     Flow.Wnd
//	TSVal   the test's clock, when timestamps are agreed; TSEcr the last TSval received
//
// and when expected:
//
//	Flags   ACK; PSH is compared only if it is asked for
//	Seq     the next byte of the stack
//	Ack     everything sent so far
//	Data    none; Len bytes of the pattern
//	Sack    none
//	Wnd, MSS, WScale, SackOK, TSVal, TSEcr   not compared
type Seg struct {
	Flags      uint8
	Seq, Ack   int64
	Wnd        int    // as in the header; ZeroWindow for 0
	Data       string // payload
	Len        int    // instead of Data: so many bytes of the pattern
	Urgent     uint16
	MSS        int
	WScale     int // ZeroScale for 0
	SackOK     bool
	TSVal      uint32
	TSEcr      uint32
	TS         bool    // send: with the option although not agreed; expect: it must be there
	NoTS       bool    // send: without the option although agreed; expect: it must not be there
	Sack       []Block // counted like Ack
	BadSum     bool    // send with a wrong checksum
	RawOpts    []byte  // send these bytes as options
	AnyPayload bool    // expect: whatever length
}

// Block is a SACK block.
type Block struct{ Start, End int64 }

// Values for what is really zero.
const (
	ZeroWindow = -1
	ZeroScale  = -1
	SeqZero    = 1 << 32 // Seq or Ack 0, where 0 would mean the template
)

// Pattern is n bytes of the endless stream that Len and the application's
// steps speak of, from byte off on.
func Pattern(off int64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		p := uint64(off) + uint64(i)
		b[i] = byte(p ^ p>>8*31 ^ p>>16*17)
	}
	return b
}

// patternEqual reports the first byte of b that is not the pattern's, or -1.
func patternEqual(b []byte, off int64) int {
	for i, c := range b {
		p := uint64(off) + uint64(i)
		if c != byte(p^p>>8*31^p>>16*17) {
			return i
		}
	}
	return -1
}

// options are the TCP options of s for gopacket.
func (s *Seg) options(abs func(int64) uint32) (o []layers.TCPOption) {
	add := func(kind layers.TCPOptionKind, data []byte) {
		o = append(o, layers.TCPOption{OptionType: kind, OptionLength: uint8(2 + len(data)), OptionData: data})
	}
	nop := func(n int) {
		for range n {
			o = append(o, layers.TCPOption{OptionType: layers.TCPOptionKindNop, OptionLength: 1})
		}
	}
	be := binary.BigEndian
	if s.MSS != 0 {
		add(layers.TCPOptionKindMSS, be.AppendUint16(nil, uint16(s.MSS)))
	}
	if s.SackOK {
		add(layers.TCPOptionKindSACKPermitted, nil)
		nop(2)
	}
	if s.WScale != 0 {
		add(layers.TCPOptionKindWindowScale, []byte{byte(max(s.WScale, 0))})
		nop(1)
	}
	if s.TS {
		nop(2)
		add(layers.TCPOptionKindTimestamps, be.AppendUint32(be.AppendUint32(nil, s.TSVal), s.TSEcr))
	}
	if len(s.Sack) > 0 {
		var d []byte
		for _, b := range s.Sack {
			d = be.AppendUint32(be.AppendUint32(d, abs(b.Start)), abs(b.End))
		}
		nop(2)
		add(layers.TCPOptionKindSACK, d)
	}
	return o
}

// flags of a decoded header.
func flags(l *layers.TCP) (f uint8) {
	for i, set := range []bool{l.FIN, l.SYN, l.RST, l.PSH, l.ACK, l.URG, l.ECE, l.CWR} {
		if set {
			f |= 1 << i
		}
	}
	return f
}

func setFlags(l *layers.TCP, f uint8) {
	for i, p := range []*bool{&l.FIN, &l.SYN, &l.RST, &l.PSH, &l.ACK, &l.URG, &l.ECE, &l.CWR} {
		*p = f>>i&1 != 0
	}
}

// FlagString writes flags as tcpdump does.
func FlagString(f uint8) string {
	var b strings.Builder
	for i, c := range "FSRP.UEW" {
		if f>>i&1 != 0 {
			b.WriteRune(c)
		}
	}
	if f == 0 {
		return "none"
	}
	return b.String()
}

// tcpLine is a segment in one line, with the numbers of the header.
func tcpLine(l *layers.TCP, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s seq %d len %d", FlagString(flags(l)), l.Seq, n)
	if l.ACK {
		fmt.Fprintf(&b, " ack %d", l.Ack)
	}
	fmt.Fprintf(&b, " win %d", l.Window)
	for _, o := range l.Options {
		if o.OptionType > layers.TCPOptionKindNop {
			fmt.Fprintf(&b, " %v", o)
		}
	}
	return b.String()
}

// serialize builds the frame of a segment.
func (w *Wire) serialize(f *Flow, l *layers.TCP, payload []byte) []byte {
	h := &layers.IPv4{
		Version: 4, IHL: 5, TTL: 64, Flags: layers.IPv4DontFragment, TOS: f.TOS,
		Protocol: layers.IPProtocolTCP, SrcIP: f.Remote.AsSlice(), DstIP: f.Local.AsSlice(),
	}
	if err := l.SetNetworkLayerForChecksum(h); err != nil {
		w.fatalf("%v", err)
	}
	return w.frame(h, l, gopacket.Payload(payload))
}

// tcpAt is where the TCP header begins in what serialize returns.
const tcpAt = 14 + 20

// rewrite puts raw bytes in the place of a segment's options.
func rewrite(frame, opts []byte) {
	copy(frame[tcpAt+tcp.HeaderLen:], opts)
	frame[tcpAt+16], frame[tcpAt+17] = 0, 0
	h := &layers.IPv4{Protocol: layers.IPProtocolTCP, SrcIP: frame[26:30], DstIP: frame[30:34]}
	c := ^sum(frame[tcpAt:], pseudo(h, len(frame)-tcpAt))
	binary.BigEndian.PutUint16(frame[tcpAt+16:], c)
}

// seqLen is what a segment takes of the sequence space.
func seqLen(flags uint8, n int) int64 {
	if flags&tcp.SYN != 0 {
		n++
	}
	if flags&tcp.FIN != 0 {
		n++
	}
	return int64(n)
}
