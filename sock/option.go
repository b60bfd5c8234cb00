package sock

import (
	"encoding/binary"
	"math"
	"slices"
	"syscall"
	"time"

	"dataplane/sock/options"
)

// Values of options are bytes in the machine's order, as setsockopt and getsockopt
// have them. The functions below know Linux's rules for their lengths.

var native = binary.NativeEndian

const intLen = 4

// Int is the value of an option that is an int. EINVAL: it is shorter.
func Int(v []byte) (int, syscall.Errno) {
	if len(v) < intLen {
		return 0, syscall.EINVAL
	}
	return int(int32(native.Uint32(v))), 0
}

// IntOrByte is the value of an option that may also be one byte, or nothing, which is
// 0: those of level IPPROTO_IP (Linux: do_ip_setsockopt).
func IntOrByte(v []byte) int {
	switch {
	case len(v) >= intLen:
		return int(int32(native.Uint32(v)))
	case len(v) > 0:
		return int(v[0])
	}
	return 0
}

// Put writes b into v, cut to what v has room for, and returns how much that is:
// getsockopt gives away as many bytes as are asked for.
func Put(v, b []byte) (int, syscall.Errno) { return copy(v, b), 0 }

// PutName is Put for an address: it must not be shorter than asked for.
func PutName(v, b []byte) (int, syscall.Errno) {
	if len(v) > len(b) {
		return 0, syscall.EINVAL
	}
	return copy(v, b), 0
}

// PutInt is Put for an int.
func PutInt(v []byte, x int) (int, syscall.Errno) {
	var b [intLen]byte
	native.PutUint32(b[:], uint32(x))
	return copy(v, b[:]), 0
}

// PutIntOrByte is PutInt for an option of level IPPROTO_IP: where there is no room for
// an int, one byte does for what fits in it.
func PutIntOrByte(v []byte, x int) (int, syscall.Errno) {
	if len(v) > 0 && len(v) < intLen && x >= 0 && x <= 255 {
		v[0] = byte(x)
		return 1, 0
	}
	return PutInt(v, x)
}

// keptForm is v as Linux gives it back: a switch is on or off, and what does not linger has
// no time.
func keptForm(k options.Kind, v []byte) []byte {
	switch {
	case k == options.Linger:
		secs, _ := LingerOf(v)
		return Linger(secs)
	case k.Len() <= intLen:
		return native.AppendUint32(nil, uint32(b2i(IntOrByte(v) != 0)))
	}
	return slices.Clone(v)
}

// putKept is Put of a value that was remembered, zeros if b is nil, as long as the value
// of such an option is.
func putKept(level, name int, v, b []byte) (int, syscall.Errno) {
	r := options.Find(level, name)
	switch {
	case level == syscall.IPPROTO_IP:
		return PutIntOrByte(v, IntOrByte(b))
	case b == nil:
		b = make([]byte, r.Kind.Len())
	}
	return Put(v, b)
}

// PutBool is PutInt of 1 or 0.
func PutBool(v []byte, on bool) (int, syscall.Errno) {
	if on {
		return PutInt(v, 1)
	}
	return PutInt(v, 0)
}

// Linger makes the value of SO_LINGER, a struct linger; secs < 0 switches it off.
func Linger(secs int) []byte {
	var v [2 * intLen]byte
	if secs >= 0 {
		native.PutUint32(v[:], 1)
		native.PutUint32(v[intLen:], uint32(secs))
	}
	return v[:]
}

// LingerOf reads a struct linger; secs is negative where it is off.
func LingerOf(v []byte) (secs int, errno syscall.Errno) {
	if len(v) < 2*intLen {
		return 0, syscall.EINVAL
	}
	if native.Uint32(v) == 0 {
		return -1, 0
	}
	return min(int(native.Uint32(v[intLen:])), math.MaxInt32), 0 // less than 0 is very long, as in Linux
}

// SetInt is SetOption of an int.
func (s *Socket) SetInt(level, name, value int) error {
	var v [intLen]byte
	native.PutUint32(v[:], uint32(value))
	return s.SetOption(level, name, v[:])
}

// GetInt is GetOption of an int.
func (s *Socket) GetInt(level, name int) (int, error) {
	var v [intLen]byte
	_, err := s.GetOption(level, name, v[:])
	return int(int32(native.Uint32(v[:]))), err
}

// SetLinger is SetOption of SO_LINGER; secs < 0 switches it off.
func (s *Socket) SetLinger(secs int) error {
	return s.SetOption(syscall.SOL_SOCKET, syscall.SO_LINGER, Linger(secs))
}

// SetInt is SetOption of sk's transport with an int. Runs on the lcore.
func (sk *Sock) SetInt(level, name, value int) syscall.Errno {
	var v [intLen]byte
	native.PutUint32(v[:], uint32(value))
	return sk.Proto.SetOption(sk, level, name, v[:])
}

// GetInt is GetOption of sk's transport for an int. Runs on the lcore.
func (sk *Sock) GetInt(level, name int) (int, syscall.Errno) {
	var v [intLen]byte
	_, errno := sk.Proto.GetOption(sk, level, name, v[:])
	return int(int32(native.Uint32(v[:]))), errno
}

// Timeval makes the value of SO_RCVTIMEO, a struct timeval of two words.
func Timeval(d time.Duration) []byte {
	v := native.AppendUint64(nil, uint64(d/time.Second))
	return native.AppendUint64(v, uint64(d%time.Second/time.Microsecond))
}

// TimevalOf reads a struct timeval as sock_set_timeout does: 0 is no bound, less than 0
// the shortest. EDOM: the microseconds cannot be.
func TimevalOf(v []byte) (time.Duration, syscall.Errno) {
	if len(v) < 16 {
		return 0, syscall.EINVAL
	}
	sec, usec := int64(native.Uint64(v)), int64(native.Uint64(v[8:]))
	switch {
	case usec < 0 || usec >= 1e6:
		return 0, syscall.EDOM
	case sec < 0:
		return 1, 0
	case sec >= int64(maxTimeout/time.Second):
		return 0, 0 // for ever, as in Linux
	}
	return time.Duration(sec)*time.Second + time.Duration(usec)*time.Microsecond, 0
}

// maxTimeout is what a time.Duration holds.
const maxTimeout = 1<<63 - 1
