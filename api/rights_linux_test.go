package api

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Descriptors pass through AF_UNIX as through the kernel's: they are copies, live on when
// the sender closes his, and what nobody takes is closed.
func TestRights(t *testing.T) {
	n := open(t, Config{})
	u := n.Posix()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		before := n.open.Len()
		way, err := u.Socketpair(unix.AF_UNIX, typ, 0)
		must(err)
		gift, err := u.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		must(err)
		_, err = u.SendmsgN(way[0], []byte("take it"), unix.UnixRights(gift[0], gift[0]), nil, 0)
		must(err)
		must(u.Close(gift[0]))
		b, oob := make([]byte, 20), make([]byte, 100)
		k, oobn, flags, _, err := u.Recvmsg(way[1], b, oob, 0)
		must(err)
		msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
		must(err)
		fds, err := unix.ParseUnixRights(&msgs[0])
		must(err)
		if string(b[:k]) != "take it" || flags != 0 || len(fds) != 2 || fds[0] != gift[0] {
			t.Fatalf("type %d: %q, flags %#x, descriptors %v", typ, b[:k], flags, fds)
		}
		must(u.Close(fds[0]))
		_, err = u.Write(fds[1], []byte("still"))
		must(err)
		if k, err = u.Read(gift[1], b); string(b[:k]) != "still" || err != nil {
			t.Errorf("type %d: %q, %v", typ, b[:max(k, 0)], err)
		}
		_, err = u.SendmsgN(way[0], []byte("x"), unix.UnixRights(fds[1]), nil, 0)
		must(err)
		must(u.Close(fds[1]))
		if k, _, flags, _, err = u.Recvmsg(way[1], b, nil, 0); k != 1 || flags != unix.MSG_CTRUNC || err != nil {
			t.Errorf("type %d: without room %d bytes, flags %#x, %v", typ, k, flags, err)
		}
		if k, err = u.Read(gift[1], b); k != 0 || err != nil {
			t.Errorf("type %d: what nobody took is open still: %d, %v", typ, k, err)
		}
		if _, err = u.SendmsgN(way[0], []byte("x"), unix.UnixRights(999), nil, 0); err != unix.EBADF {
			t.Errorf("type %d: no descriptor: %v", typ, err)
		}
		for _, fd := range []int{way[0], way[1], gift[1]} {
			must(u.Close(fd))
		}
		if n.open.Len() != before {
			t.Errorf("type %d: %d sockets are left", typ, n.open.Len()-before)
		}
	}
}
