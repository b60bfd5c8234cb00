package inet

import (
	"encoding/binary"
	"reflect"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/sock"
)

// controlOf makes a control message as golang.org/x/sys/unix does.
func controlOf(level, typ int, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	native.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	native.PutUint32(b[8:], uint32(level))
	native.PutUint32(b[12:], uint32(typ))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

func u32(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func pktinfo(iface uint32, from, to string) []byte {
	return append(append(u32(iface), from...), to...)
}

// addr4 is b's address as it stands in a header.
func addr4(b *bed) string {
	n := b.at(0)
	return string(n.Addr[12:])
}

func TestSendControl(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		for _, name := range []int{syscall.IP_RECVTOS, syscall.IP_RECVTTL} {
			must(t, s.SetInt(syscall.IPPROTO_IP, name, 1))
		}
		send := func(what string, want error, control []byte) bool {
			t.Helper()
			m := sock.Msg{Buf: []byte("x"), Name: b.at(7), Named: true, Control: control}
			_, err := c.SendMsg(&m)
			fails(t, what, err, want)
			return err == nil
		}
		join := func(bs ...[]byte) (all []byte) {
			for _, b := range bs {
				all = append(all, b...)
			}
			return all
		}
		const ip, udp = syscall.IPPROTO_IP, syscall.IPPROTO_UDP
		for _, w := range []struct {
			what     string
			control  []byte
			want     error
			tos, ttl uint8
		}{
			{"TOS of one byte", controlOf(ip, unix.IP_TOS, []byte{3}), nil, 3, 64},
			{"TOS of four", controlOf(ip, unix.IP_TOS, u32(2)), nil, 2, 64},
			{"TOS too great", controlOf(ip, unix.IP_TOS, u32(256)), syscall.EINVAL, 0, 0},
			{"TTL", controlOf(ip, unix.IP_TTL, u32(9)), nil, 0, 9},
			{"no TTL", controlOf(ip, unix.IP_TTL, u32(0)), syscall.EINVAL, 0, 0},
			{"both", join(controlOf(ip, unix.IP_TOS, []byte{1}), controlOf(ip, unix.IP_TTL, u32(1))), nil, 1, 1},
			{"source", controlOf(ip, unix.IP_PKTINFO, pktinfo(0, addr4(a), "\x00\x00\x00\x00")), nil, 0, 64},
			{"interface", controlOf(ip, unix.IP_PKTINFO, pktinfo(1, "\x00\x00\x00\x00", "\x00\x00\x00\x00")), nil, 0, 64},
			{"a strange source", controlOf(ip, unix.IP_PKTINFO, pktinfo(0, "\x01\x02\x03\x04", "\x00\x00\x00\x00")), syscall.ENETUNREACH, 0, 0},
			{"no such interface", controlOf(ip, unix.IP_PKTINFO, pktinfo(99, "\x00\x00\x00\x00", "\x00\x00\x00\x00")), syscall.ENODEV, 0, 0},
			{"short", controlOf(ip, unix.IP_PKTINFO, u32(1)), syscall.EINVAL, 0, 0},
			{"unknown", controlOf(ip, 99, u32(1)), syscall.EINVAL, 0, 0},
			{"unknown of UDP", controlOf(udp, 99, []byte{1, 0}), syscall.EINVAL, 0, 0},
			{"segment of one byte", controlOf(udp, udpSegment, []byte{1}), syscall.EINVAL, 0, 0},
			{"another level", controlOf(unix.SOL_TCP, 1, u32(1)), nil, 0, 64},
			{"less than a header", make([]byte, 15), nil, 0, 64},
			{"length 0", make([]byte, 16), syscall.EINVAL, 0, 0},
			{"cut", controlOf(ip, unix.IP_TTL, u32(9))[:18], syscall.EINVAL, 0, 0},
		} {
			if !send(w.what, w.want, w.control) {
				continue
			}
			if m := recv(t, s, "x"); m.TOS != w.tos || m.TTL != w.ttl {
				t.Errorf("%s: TOS %d, TTL %d", w.what, m.TOS, m.TTL)
			}
		}
	})
}

// parsed returns the messages of b.
func parsed(t *testing.T, b []byte) map[[2]int][]byte {
	t.Helper()
	ms, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[[2]int][]byte)
	for _, m := range ms {
		all[[2]int{int(m.Header.Level), int(m.Header.Type)}] = m.Data
	}
	return all
}

func TestReceiveControl(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		c, s := dgrams(a, b)
		must(t, c.SetInt(syscall.SOL_SOCKET, syscall.SO_BROADCAST, 1))
		get := func(room int, to sock.Name) (map[[2]int][]byte, int) {
			t.Helper()
			if _, err := c.SendTo([]byte("x"), 0, to); err != nil {
				t.Fatal(err)
			}
			m := sock.Msg{Buf: make([]byte, 10), Control: make([]byte, room)}
			if _, err := s.RecvMsg(&m); err != nil {
				t.Fatal(err)
			}
			return parsed(t, m.Control[:m.NControl]), m.Flags
		}
		if m, flags := get(100, b.at(7)); len(m) != 0 || flags != 0 {
			t.Errorf("nobody asked: %v, %x", m, flags)
		}
		for _, o := range [][2]int{
			{syscall.IPPROTO_IP, unix.IP_RECVTOS}, {syscall.IPPROTO_IP, unix.IP_RECVTTL}, {syscall.IPPROTO_IP, unix.IP_PKTINFO},
			{syscall.IPPROTO_IP, unix.IP_RECVORIGDSTADDR}, {syscall.SOL_SOCKET, unix.SO_TIMESTAMPNS},
		} {
			must(t, s.SetInt(o[0], o[1], 1))
			if v, err := s.GetInt(o[0], o[1]); v != 1 || err != nil {
				t.Errorf("option %v is %d, %v", o, v, err)
			}
		}
		m, flags := get(200, b.at(7))
		ours := addr4(b)
		want := map[[2]int][]byte{
			{0, unix.IP_TOS}: {0}, {0, unix.IP_TTL}: u32(64), {0, unix.IP_PKTINFO}: pktinfo(1, ours, ours),
			{0, unix.IP_ORIGDSTADDR}: []byte("\x02\x00\x00\x07" + ours + "\x00\x00\x00\x00\x00\x00\x00\x00"),
		}
		came := [2]int{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS}
		at := time.Unix(int64(native.Uint64(m[came])), int64(native.Uint64(m[came][8:])))
		if d := time.Since(at); d < 0 || d > time.Minute {
			t.Errorf("came %v ago", d)
		}
		delete(m, came)
		if !reflect.DeepEqual(m, want) || flags != 0 {
			t.Errorf("%v, flags %x, want %v", m, flags, want)
		}
		// A broadcast is answered from an address of the interface.
		m, _ = get(200, nameAt("10.0.0.255:7"))
		if got := m[[2]int{0, unix.IP_PKTINFO}]; string(got) != string(pktinfo(1, ours, "\x0a\x00\x00\xff")) {
			t.Errorf("broadcast: %v", got)
		}
		for _, room := range []int{0, 15, 40} {
			if m, flags := get(room, b.at(7)); flags != sock.MsgCtrunc || len(m) > 2 {
				t.Errorf("room for %d: %v, flags %x", room, m, flags)
			}
		}
		must(t, s.SetInt(syscall.IPPROTO_IP, unix.IP_RECVTOS, 0))
		if m, _ := get(200, b.at(7)); m[[2]int{0, unix.IP_TOS}] != nil {
			t.Error("TOS, and nobody wants it")
		}
	})
}

// FuzzControl: whatever a program gives as control messages, it is taken or refused.
func FuzzControl(f *testing.F) {
	f.Add(controlOf(syscall.IPPROTO_IP, unix.IP_TOS, []byte{1}))
	f.Add(controlOf(syscall.IPPROTO_IP, unix.IP_PKTINFO, pktinfo(0, "\x0a\x00\x00\x01", "\x00\x00\x00\x00")))
	f.Add(append(controlOf(syscall.IPPROTO_UDP, udpSegment, []byte{1, 2}), 0, 0, 0))
	f.Add(make([]byte, 40))
	h := NewHost(nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		var d sock.Datagram
		seg := -1
		err := parseControl(h, over(len(b)%3), b, &d, &seg)
		ms, bad := unix.ParseSocketControlMessage(b)
		if err == nil && bad == nil { // what was taken is what package unix finds
			for _, m := range ms {
				if m.Header.Level == syscall.IPPROTO_UDP && m.Header.Type == udpSegment && seg < 0 {
					t.Errorf("%v was not looked at", m)
				}
			}
		}
		if err == nil && (d.Len != 0 || d.Peer != sock.Name{} || seg > 0xffff) {
			t.Errorf("%+v, %d", d, seg)
		}
	})
}
