package api

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Packets of raw sockets and echo requests are sent whole: a part of one is refused, and
// never passes for a datagram of UDP.
func TestRawPartsAreRefused(t *testing.T) {
	u := open(t, Config{}).Posix()
	for _, c := range []struct{ typ, proto, opt int }{
		{unix.SOCK_RAW, 200, 0}, {unix.SOCK_RAW, 200, unix.IP_HDRINCL}, {unix.SOCK_DGRAM, unix.IPPROTO_ICMP, 0},
	} {
		fd, err := u.Socket(unix.AF_INET, c.typ, c.proto)
		if err != nil {
			t.Fatal(err)
		}
		if c.opt != 0 {
			if err := u.SetsockoptInt(fd, unix.IPPROTO_IP, c.opt, 1); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // alone, and connected
			for _, flags := range []int{unix.MSG_MORE, 0} { // what begins is not completed, either
				n, err := u.SendmsgN(fd, []byte{0x4f}, nil, nil, flags)
				if err == nil || flags != 0 && err != unix.EOPNOTSUPP {
					t.Errorf("%+v, flags %#x: %d, %v", c, flags, n, err)
				}
				if c.opt == 0 && c.typ == unix.SOCK_RAW {
					break // a byte is a packet there
				}
			}
			if err := u.Connect(fd, lo4); err != nil {
				t.Fatal(err)
			}
		}
		if err := u.Close(fd); err != nil {
			t.Error(err)
		}
	}
}
