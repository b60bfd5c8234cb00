package api

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// msgSocket is what Recvmsg and SendmsgN are tested by.
type msgSocket interface {
	bsd
	Recvmsg(p, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error)
	SendmsgN(p, oob []byte, to unix.Sockaddr, flags int) (int, error)
}

func (f fdSocket) Recvmsg(p, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	return unix.Recvmsg(int(f), p, oob, flags)
}

func (f fdSocket) SendmsgN(p, oob []byte, to unix.Sockaddr, flags int) (int, error) {
	return unix.SendmsgN(int(f), p, oob, to, flags)
}

func TestAsBSDMsg(t *testing.T) {
	asBSD(t, func(w *bsdWorld) {
		a, b, sa := w.dgrams()
		s, c := a.(msgSocket), b.(msgSocket)
		w.call("TOS", s.SetsockoptInt(unix.IPPROTO_IP, unix.IP_RECVTOS, 1))
		read := func(what string, room, oob, flags int) {
			w.Helper()
			p, o := make([]byte, room), make([]byte, oob)
			n, oobn, got, from, err := s.Recvmsg(p, o, flags)
			w.io(fmt.Sprint(what, " ", string(p), o[:oobn]), n, err)
			w.logf("flags %x, from somebody: %v", got, from != nil)
		}
		n, err := c.SendmsgN([]byte("one"), cmsg(unix.IPPROTO_IP, unix.IP_TOS, []byte{2}), sa, 0)
		w.io("send", n, err)
		read("peek", 10, 100, unix.MSG_PEEK)
		read("a part", 2, 100, 0)
		n, err = c.SendmsgN([]byte("two"), nil, sa, 0)
		w.io("send without control", n, err)
		read("no room for control", 2, 10, unix.MSG_TRUNC)
		read("nothing", 2, 10, unix.MSG_DONTWAIT)
		n, err = c.SendmsgN([]byte("x"), cmsg(unix.IPPROTO_IP, 99, word(1)), sa, 0)
		w.io("unknown", n, err)
		n, err = c.SendmsgN([]byte("x"), cmsg(unix.IPPROTO_IP, unix.IP_TOS, []byte{2}), nil, 0)
		w.io("nowhere", n, err)
		n, err = c.SendmsgN(make([]byte, 300), cmsg(unix.IPPROTO_UDP, unix.UDP_SEGMENT, []byte{100, 0}), sa, 0)
		w.io("segments", n, err)
		for range 3 {
			read("segment", 0, 100, unix.MSG_TRUNC)
		}
	})
}
