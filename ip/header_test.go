package ip

import (
	"bytes"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"dataplane/perf"
)

func TestHeader4AgainstGopacket(t *testing.T) {
	b := serialize(ipv4(peer0, own0, layers.IPProtocolUDP, func(h *layers.IPv4) {
		h.TOS, h.Id, h.TTL, h.Flags, h.FragOffset = 0xb8, 0xbeef, 7, layers.IPv4MoreFragments, 185
		h.Options = []layers.IPv4Option{{OptionType: 1}, {OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}}
	}), gopacket.Payload(pattern(40)))
	h, v := ParseHeader4(b)
	if v != perf.Delivered {
		t.Fatal(v)
	}
	if h.Len() != 28 || len(h) != 28 || h.TotalLen() != len(b) || h.TOS() != 0xb8 || h.ID() != 0xbeef || h.TTL() != 7 ||
		h.Proto() != ProtoUDP || h.Src() != peer0 || h.Dst() != own0 {
		t.Errorf("misread: % x", h)
	}
	if h.DontFrag() || !h.MoreFrags() || !h.Fragment() || h.Offset() != 185*8 || !h.ChecksumOK() {
		t.Errorf("misread flags: % x", h)
	}
	if !bytes.HasPrefix(h.Options(), []byte{1, 148, 4}) {
		t.Errorf("options % x", h.Options())
	}
	h.setChecksum()
	if !h.ChecksumOK() {
		t.Error("setChecksum is wrong")
	}
	h[8]++
	if h.ChecksumOK() {
		t.Error("a changed header sums up")
	}
}

func TestPutHeader4AgainstGopacket(t *testing.T) {
	var b [HdrLen4]byte
	putHeader4(b[:], &fields4{src: own0, dst: far, total: 20, id: 77, frag: flagDF, tos: 4, ttl: 9, proto: 17})
	Header4(b[:]).setChecksum()
	var h layers.IPv4
	if err := h.DecodeFromBytes(b[:], gopacket.NilDecodeFeedback); err != nil {
		t.Fatal(err)
	}
	if h.Id != 77 || h.Flags != layers.IPv4DontFragment || h.FragOffset != 0 || h.TOS != 4 || h.TTL != 9 ||
		h.SrcIP.String() != "10.0.0.1" || h.DstIP.String() != "198.51.100.7" {
		t.Errorf("gopacket reads %+v", h)
	}
	want := serialize(ipv4(own0, far, layers.IPProtocolUDP, func(h *layers.IPv4) {
		h.Id, h.Flags, h.TOS, h.TTL = 77, layers.IPv4DontFragment, 4, 9
	}))
	if !bytes.Equal(b[:], want) {
		t.Errorf("got % x want % x", b, want)
	}
}

func TestParseHeader4Refuses(t *testing.T) {
	good := udpPacket(peer0, own0, pattern(8))
	for _, c := range []struct {
		name string
		edit func([]byte) []byte
		want perf.Verdict
	}{
		{"empty", func(b []byte) []byte { return nil }, perf.DropIPShort},
		{"19 bytes", func(b []byte) []byte { return b[:19] }, perf.DropIPShort},
		{"RFC1122_3.2.1.1 version 6", func(b []byte) []byte { b[0] = 0x65; return b }, perf.DropIPVersion},
		{"RFC1122_3.2.1.1 version 0", func(b []byte) []byte { b[0] = 0x05; return b }, perf.DropIPVersion},
		{"RFC791_3.1 IHL 4", func(b []byte) []byte { b[0] = 0x44; return b }, perf.DropIPHeader},
		{"RFC791_3.1 IHL 0", func(b []byte) []byte { b[0] = 0x40; return b }, perf.DropIPHeader},
		{"RFC791_3.1 IHL behind the packet", func(b []byte) []byte { b[0] = 0x4f; return b }, perf.DropIPHeader},
		{"RFC791_3.1 total length below header", func(b []byte) []byte { b[2], b[3] = 0, 19; return b }, perf.DropIPLength},
		{"good", func(b []byte) []byte { return b }, perf.Delivered},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, v := ParseHeader4(c.edit(bytes.Clone(good))); v != c.want {
				t.Errorf("%v, want %v", v, c.want)
			}
		})
	}
}

func FuzzHeader4(f *testing.F) {
	f.Add(udpPacket(peer0, own0, pattern(3)))
	f.Add([]byte{0x4f})
	f.Add(bytes.Repeat([]byte{0x4f}, 60))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, v := ParseHeader4(b)
		if v != perf.Delivered {
			return
		}
		if len(h) < HdrLen4 || len(h) > maxHdrLen4 || len(h) != h.Len() || h.TotalLen() < len(h) {
			t.Fatalf("accepted % x", b)
		}
		h.Options()
		walkOptions(h.Options())
		var g layers.IPv4
		if g.DecodeFromBytes(b, gopacket.NilDecodeFeedback) == nil && int(g.Length) >= len(h) {
			if int(g.IHL)*4 != len(h) || int(g.FragOffset)*8 != h.Offset() || From4([4]byte(g.SrcIP)) != h.Src() {
				t.Fatalf("gopacket disagrees about % x", b)
			}
		}
	})
}
