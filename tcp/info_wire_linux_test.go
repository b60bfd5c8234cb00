package tcp_test

import (
	"encoding/binary"
	"reflect"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TCP_INFO is what the connection knows, where Linux's struct tcp_info has it.
func TestInfoBytes(t *testing.T) {
	w := newWire(t)
	f, a := w.Passive(Seg{MSS: 1460, WScale: 7}, ms)
	a.Write(3000)
	f.Expect(Seg{Len: 1460})
	f.Expect(Seg{Len: 1460})
	f.Expect(Seg{Len: 80})
	f.Send(Seg{Ack: 1461})
	b := make([]byte, 512)
	n, e := a.SK.Proto.GetOption(a.SK, syscall.IPPROTO_TCP, unix.TCP_INFO, b)
	if n != unix.SizeofTCPInfo && n != 248 || e != 0 {
		t.Fatalf("%d bytes, %v", n, e)
	}
	var i unix.TCPInfo
	typ, v := reflect.TypeOf(i), reflect.ValueOf(&i).Elem()
	for k := range typ.NumField() {
		fd, off := v.Field(k), typ.Field(k).Offset
		if off+typ.Field(k).Type.Size() > uintptr(n) {
			break
		}
		switch fd.Kind() {
		case reflect.Uint8:
			fd.SetUint(uint64(b[off]))
		case reflect.Uint16:
			fd.SetUint(uint64(binary.NativeEndian.Uint16(b[off:])))
		case reflect.Uint32:
			fd.SetUint(uint64(binary.NativeEndian.Uint32(b[off:])))
		case reflect.Uint64:
			fd.SetUint(binary.NativeEndian.Uint64(b[off:]))
		}
	}
	for _, c := range []struct {
		what      string
		got, want uint64
	}{
		{"state", uint64(i.State), unix.BPF_TCP_ESTABLISHED}, {"mss", uint64(i.Snd_mss), 1460}, {"unacked", uint64(i.Unacked), 2},
		{"acked", i.Bytes_acked, 1460}, {"sent", i.Bytes_sent, 3000}, {"pmtu", uint64(i.Pmtu), 1500},
		{"notsent", uint64(i.Notsent_bytes), 0}, {"cwnd", uint64(i.Snd_cwnd), 10}, {"retransmits", uint64(i.Retransmits), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	if i.Rto < 200_000 || i.Rtt == 0 || i.Snd_wnd == 0 || i.Rcv_wnd == 0 {
		t.Errorf("%+v", i)
	}
}

// TCP_SYNCNT bounds the SYNs, IP_MTU_DISCOVER the DF bit, which children inherit.
func TestStreamOptions(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	ls.Set(syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_DONT)
	ls.Set(syscall.IPPROTO_TCP, unix.TCP_SYNCNT, 3)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	c := ls.Accept()
	c.WriteString("x")
	f.Expect(Seg{Data: "x"})
	if f.Frame.IP.Flags != 0 {
		t.Errorf("flags %v", f.Frame.IP.Flags)
	}
	for _, o := range []struct{ level, name, want int }{
		{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, syscall.IP_PMTUDISC_DONT}, {syscall.IPPROTO_TCP, unix.TCP_SYNCNT, 3},
		{syscall.IPPROTO_IP, syscall.IP_MTU, 1500},
	} {
		if v, e := c.SK.GetInt(o.level, o.name); v != o.want || e != 0 {
			t.Errorf("%d/%d: %d, %v", o.level, o.name, v, e)
		}
	}
}
