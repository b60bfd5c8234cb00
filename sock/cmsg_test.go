package sock

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// What is written is read again, here and by golang.org/x/sys/unix; what has no room is
// cut off and said so; a length that cannot be is refused.
func TestControls(t *testing.T) {
	c := Controls{B: make([]byte, 100)}
	c.Put(1, 2, []byte("12345"))
	c.Put(3, 4, nil)
	if c.N != unix.CmsgSpace(5)+unix.CmsgSpace(0) || c.Short {
		t.Fatalf("%d bytes, short %v", c.N, c.Short)
	}
	msgs, err := unix.ParseSocketControlMessage(c.B[:c.N])
	if err != nil || len(msgs) != 2 || string(msgs[0].Data) != "12345" || msgs[1].Header.Type != 4 {
		t.Errorf("%+v, %v", msgs, err)
	}
	n := 0
	for b, more := c.B[:c.N], true; more; n++ {
		var m Control
		if m, b, more, err = NextControl(b); err != nil {
			t.Fatal(err)
		} else if more && (m.Level != int(msgs[n].Header.Level) || string(m.Data) != string(msgs[n].Data)) {
			t.Errorf("%d: %+v", n, m)
		}
	}
	if n != 3 {
		t.Errorf("%d messages", n-1)
	}
	c = Controls{B: make([]byte, cmsgHdr+2)}
	if c.Put(1, 2, []byte("12345")); !c.Short || c.N != len(c.B) {
		t.Errorf("%d bytes, short %v", c.N, c.Short)
	}
	if c.Put(1, 2, nil); c.N != len(c.B) || c.Room() >= 0 {
		t.Errorf("%d bytes, room for %d", c.N, c.Room())
	}
	for _, size := range []byte{0, cmsgHdr - 1, 200} {
		b := make([]byte, 64)
		b[0] = size
		if _, _, _, err := NextControl(b); err != syscall.EINVAL {
			t.Errorf("length %d: %v", size, err)
		}
	}
}
