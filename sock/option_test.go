package sock

import (
	"bytes"
	"syscall"
	"testing"
)

func TestOptionInt(t *testing.T) {
	five := native.AppendUint32(nil, 5)
	minus := native.AppendUint32(nil, 1<<32-1)
	for _, c := range []struct {
		v     []byte
		want  int
		errno syscall.Errno
		loose int // as IntOrByte reads it
	}{
		{nil, 0, syscall.EINVAL, 0},
		{[]byte{7}, 0, syscall.EINVAL, 7},
		{[]byte{200, 9, 9}, 0, syscall.EINVAL, 200},
		{five, 5, 0, 5},
		{append(five[:4:4], 9, 9), 5, 0, 5},
		{minus, -1, 0, -1},
	} {
		if x, errno := Int(c.v); x != c.want || errno != c.errno {
			t.Errorf("Int(%v): %d, %v, want %d, %v", c.v, x, errno, c.want, c.errno)
		}
		if x := IntOrByte(c.v); x != c.loose {
			t.Errorf("IntOrByte(%v): %d, want %d", c.v, x, c.loose)
		}
	}
}

func TestOptionPut(t *testing.T) {
	whole := native.AppendUint32(nil, 300)
	small := native.AppendUint32(nil, 64)
	for _, c := range []struct {
		room, x     int
		want, loose []byte
	}{
		{0, 300, nil, nil},
		{1, 64, small[:1], []byte{64}},
		{3, 64, small[:3], []byte{64}},
		{3, 300, whole[:3], whole[:3]},
		{4, 300, whole, whole},
		{9, 300, whole, whole},
	} {
		v, w := make([]byte, c.room), make([]byte, c.room)
		if n, errno := PutInt(v, c.x); !bytes.Equal(v[:n], c.want) || errno != 0 {
			t.Errorf("PutInt of %d in %d bytes: %v", c.x, c.room, v[:n])
		}
		if n, errno := PutIntOrByte(w, c.x); !bytes.Equal(w[:n], c.loose) || errno != 0 {
			t.Errorf("PutIntOrByte of %d in %d bytes: %v", c.x, c.room, w[:n])
		}
	}
}

func TestOptionLinger(t *testing.T) {
	for _, secs := range []int{-1, 0, 5} {
		if got, errno := LingerOf(Linger(secs)); got != secs || errno != 0 {
			t.Errorf("linger %d: %d, %v", secs, got, errno)
		}
	}
	if _, errno := LingerOf(make([]byte, 7)); errno != syscall.EINVAL {
		t.Errorf("a short struct linger: %v", errno)
	}
}
