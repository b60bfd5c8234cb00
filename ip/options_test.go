package ip

import (
	"bytes"
	"testing"

	"dataplane/perf"
)

func TestWalkOptions(t *testing.T) {
	for _, c := range []struct {
		name  string
		b     []byte
		bad   int
		route bool
	}{
		{"none", nil, -1, false},
		{"nops and end", []byte{1, 1, 0, 255}, -1, false},
		{"RFC1122_3.2.1.8 unknown skipped by length", []byte{200, 6, 1, 2, 3, 4, 0, 0}, -1, false},
		{"RFC1122_3.2.1.8 length 0", []byte{200, 0, 0, 0}, 0, false},
		{"RFC1122_3.2.1.8 length 1", []byte{1, 200, 1, 0}, 1, false},
		{"RFC1122_3.2.1.8 overrun", []byte{1, 1, 200, 3}, 2, false},
		{"RFC1122_3.2.1.8 no length", []byte{1, 1, 1, 200}, 3, false},
		{"RFC1122_3.2.1.8c LSRR used up", []byte{131, 7, 8, 10, 0, 0, 1, 0}, -1, false},
		{"RFC1122_3.2.1.8c LSRR goes on", []byte{131, 7, 4, 10, 0, 0, 9, 0}, 0, true},
		{"RFC1122_3.2.1.8c SSRR goes on", []byte{1, 137, 7, 4, 10, 0, 0, 9}, 1, true},
		{"source route too short", []byte{131, 2, 0, 0}, 0, false},
		{"source route pointer 0", []byte{131, 7, 0, 10, 0, 0, 9, 0}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if bad, route := walkOptions(c.b); bad != c.bad || route != c.route {
				t.Errorf("%d, %v", bad, route)
			}
		})
	}
}

// withOptions puts options into a UDP packet, as they are.
func withOptions(opts []byte) []byte {
	b := udpPacket(peer0, own0, pattern(8))
	b = append(append(append([]byte(nil), b[:20]...), opts...), b[20:]...)
	b[0] = 0x40 | byte(5+len(opts)/4)
	be.PutUint16(b[2:], uint16(len(b)))
	Header4(b[:20+len(opts)]).setChecksum()
	return b
}

func TestInputOptions(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	if v := r.packet(withOptions([]byte{200, 4, 0, 0})); v != perf.Delivered {
		t.Fatal(v)
	}
	if got := r.only(1)[0]; len(got.pkt.Header) != 24 || !bytes.Equal(got.data[8:], pattern(8)) {
		t.Errorf("delivered %+v", got)
	}
	r.quiet()
	if v := r.packet(withOptions([]byte{1, 200, 0, 0})); v != perf.DropIPOptions {
		t.Fatal(v)
	}
	// RFC 1122 3.2.2.5: a parameter problem that points at the option.
	out := r.sent(0)
	if len(out) != 1 || out[0][34] != ICMPParameter || out[0][38] != 21 {
		t.Fatalf("% x", out)
	}
	if v := r.packet(withOptions([]byte{131, 7, 4, 10, 0, 0, 9, 0})); v != perf.DropIPOptions {
		t.Fatal(v)
	}
	out = r.sent(0)
	if len(out) != 1 || out[0][34] != ICMPUnreachable || out[0][35] != CodeSourceRoute {
		t.Fatalf("% x", out)
	}
}

func FuzzOptions(f *testing.F) {
	f.Add([]byte{1, 1, 131, 7, 4, 10, 0, 0, 9})
	f.Add([]byte{200, 0})
	f.Add([]byte{7, 39, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		if bad, _ := walkOptions(b); bad >= len(b) {
			t.Fatalf("bad option at %d of %d", bad, len(b))
		}
	})
}
