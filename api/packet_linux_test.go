package api

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// htons is n as the network has it.
func htons(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}

// A packet socket sees each datagram of two planes once as it goes and once as it comes,
// whichever lcore has to do with it; it sends frames that arrive.
func TestPacketSocket(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		ears := make([]*testSocket, 2)
		for i, n := range []*Net{a, b} {
			s, err := n.testSocket(unix.AF_PACKET, unix.SOCK_DGRAM, int(htons(unix.ETH_P_ALL)))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Bind(&unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: 1}); err != nil {
				t.Fatal(err)
			}
			ears[i] = s
		}
		const n = 200
		pingPong(t, a, b, n)
		for i, s := range ears {
			in, out := datagramsSeen(t, s, n)
			if in != n || out != n {
				t.Errorf("plane %d saw %d come and %d go, want %d", i, in, out, n)
			}
		}
		raw, err := a.testSocket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			t.Fatal(err)
		}
		frame := make([]byte, 60)
		copy(frame, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5})
		if _, err := raw.Sendto(frame, 0, &unix.SockaddrLinklayer{Ifindex: 1}); err != nil {
			t.Fatal(err)
		}
		for buf := make([]byte, 100); ; {
			_, from, err := ears[1].Recvfrom(buf, 0)
			if err != nil {
				t.Fatal(err)
			}
			if sa := from.(*unix.SockaddrLinklayer); sa.Protocol == htons(0x88b5) {
				if sa.Pkttype != unix.PACKET_BROADCAST || sa.Ifindex != 1 || sa.Addr[5] != 9 {
					t.Errorf("%+v", sa)
				}
				return
			}
		}
	})
}

// pingPong lets two planes send each other n datagrams.
func pingPong(t *testing.T, a, b *Net, n int) {
	t.Helper()
	s, err := b.ListenPacket("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := a.Dial("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	soon(t, c)
	soon(t, s)
	buf := make([]byte, 100)
	for range n {
		if _, err := c.Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		_, from, err := s.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteTo([]byte("pong"), from); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
}

// datagramsSeen counts the UDP packets that s has seen, until it has seen n of each.
func datagramsSeen(t *testing.T, s *testSocket, n int) (in, out int) {
	t.Helper()
	buf := make([]byte, 100)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		k, from, err := s.Recvfrom(buf, unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			if in >= n && out >= n {
				return in, out
			}
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sa := from.(*unix.SockaddrLinklayer)
		if sa.Protocol != htons(unix.ETH_P_IP) || k < 28 || buf[9] != unix.IPPROTO_UDP {
			continue
		}
		if sa.Pkttype == unix.PACKET_OUTGOING {
			out++
		} else {
			in++
		}
	}
	return in, out
}
