package inet

import (
	"bytes"
	"syscall"
	"testing"

	"dataplane/sock"
)

// A datagram to a port that nobody has comes back as an error: to who is connected as the
// pending error, to who asked also in the error queue, with what was sent, where, and who
// says so.
func TestErrorQueue(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		u := a.socket(sock.TypeDgram)
		must(t, u.SetInt(syscall.IPPROTO_IP, syscall.IP_RECVERR, 1))
		if v, err := u.GetInt(syscall.IPPROTO_IP, syscall.IP_RECVERR); v != 1 || err != nil {
			t.Errorf("%d, %v", v, err)
		}
		m := sock.Msg{Buf: make([]byte, 3), Control: make([]byte, 64)}
		_, err := u.RecvError(&m)
		fails(t, "nothing yet", err, syscall.EAGAIN)
		_, err = u.SendTo([]byte("hello"), 0, b.at(99))
		must(t, err)
		_, err = u.Recv(make([]byte, 1), 0)
		fails(t, "pending", err, syscall.ECONNREFUSED)
		if u.Ops.Poll(u)&sock.PollErr == 0 {
			t.Error("poll does not know")
		}
		n, err := u.RecvError(&m)
		must(t, err)
		if string(m.Buf[:n]) != "hel" || m.Flags != syscall.MSG_ERRQUEUE|sock.MsgTrunc || m.Name != b.at(99) {
			t.Errorf("%q, flags %#x, %v", m.Buf[:n], m.Flags, m.Name)
		}
		offender := append([]byte{syscall.AF_INET, 0, 0, 0}, append([]byte(addr4(b)), make([]byte, 8)...)...)
		extended := append(anInt(uint32(syscall.ECONNREFUSED)), append([]byte{sock.OriginICMP, 3, 3, 0}, make([]byte, 8)...)...)
		if want := controlOf(syscall.IPPROTO_IP, syscall.IP_RECVERR, append(extended, offender...)); !bytes.Equal(m.Control[:m.NControl], want) {
			t.Errorf("%v, want %v", m.Control[:m.NControl], want)
		}
		_, err = u.RecvError(&m)
		fails(t, "no more", err, syscall.EAGAIN)
		// Without the option an unconnected socket hears nothing.
		must(t, u.SetInt(syscall.IPPROTO_IP, syscall.IP_RECVERR, 0))
		_, err = u.SendTo([]byte("hello"), 0, b.at(99))
		must(t, err)
		_, err = u.RecvError(&m)
		fails(t, "off", err, syscall.EAGAIN)
	})
}
