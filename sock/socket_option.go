package sock

import (
	"math"
	"syscall"
	"time"

	"dataplane/sock/options"
)

// Options of level SOL_SOCKET, which all families have, by Linux's numbers: those that
// package syscall does not name.
const (
	soProtocol     = 38
	soDomain       = 39
	soRxqOvfl      = 40
	soLockFilter   = 44
	soBusyPoll     = 46
	soCookie       = 57
	soRcvTimeoNew  = 66
	soSndTimeoNew  = 67
	filterInstrLen = 8
)

// CommonOps is what a family offers so that the options of level SOL_SOCKET that all
// families have are served in one place.
type CommonOps interface {
	// TakeError returns the pending error and clears it (SO_ERROR).
	TakeError(s *Socket) syscall.Errno
	// SetBuffer bounds the bytes of what is to be sent, or of what waits to be read.
	SetBuffer(s *Socket, send bool, bytes int) error
	// Buffer returns such a bound as SO_SNDBUF and SO_RCVBUF show it.
	Buffer(s *Socket, send bool) int
	// SetFilter says which messages s takes; nil: all.
	SetFilter(s *Socket, f *Filter) error
}

// Kind is the type of s as the table of options knows it; 0: it does not.
func (s *Socket) Kind() options.Types {
	return options.Of(int(s.Family), int(s.Type), int(s.Protocol))
}

// SetOption sets an option to v, which it borrows, unless the table refuses it: what all
// families have here, the rest by the family.
func (s *Socket) SetOption(level, name int, v []byte) error {
	t := s.Kind()
	if t != 0 {
		if errno := options.Set(t, s.Family == syscall.AF_INET6, level, name, len(v)); errno != 0 {
			return errno
		}
	}
	if !s.Use() {
		return ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		if known, err := s.setCommon(name, v); known {
			return err
		}
	}
	if r := options.Find(level, name); r != nil && r.Kept&t != 0 {
		s.More().keep(level, name, v)
		return nil
	}
	return s.Ops.SetOption(s, level, name, v)
}

// GetOption reads an option into v and returns how many bytes of it that took.
func (s *Socket) GetOption(level, name int, v []byte) (int, error) {
	t := s.Kind()
	if t != 0 {
		if errno := options.Get(t, s.Family == syscall.AF_INET6, level, name); errno != 0 {
			return 0, errno
		}
	}
	if !s.Use() {
		return 0, ErrClosed
	}
	defer s.Done()
	if level == syscall.SOL_SOCKET {
		if n, known, errno := s.getCommon(name, v); known {
			if errno != 0 {
				return 0, errno
			}
			return n, nil
		}
	}
	if r := options.Find(level, name); r != nil && r.Kept&t != 0 {
		n, errno := s.Extra().kept(level, name, v)
		if errno != 0 {
			return 0, errno
		}
		return n, nil
	}
	return s.Ops.GetOption(s, level, name, v)
}

// setCommon sets an option that all families have; false: name is none.
func (s *Socket) setCommon(name int, v []byte) (known bool, err error) {
	value := IntOrByte(v)
	switch name {
	case syscall.SO_RCVTIMEO, soRcvTimeoNew:
		return true, orNil(s.Rd.setTimeout(v))
	case syscall.SO_SNDTIMEO, soSndTimeoNew:
		return true, orNil(s.Wr.setTimeout(v))
	case syscall.SO_RCVLOWAT:
		if value < 0 {
			value = math.MaxInt32
		}
		s.Rd.SetLeast(max(value, 1))
	case soBusyPoll:
		if value < 0 {
			return true, syscall.EINVAL
		}
		s.Rd.SetBusyPoll(time.Duration(value) * time.Microsecond)
	case soLockFilter:
		return true, s.lockFilter(value != 0)
	default:
		if known, errno := s.setStamp(name, value); known {
			return true, orNil(errno)
		}
		if ops, ok := s.Ops.(CommonOps); ok {
			return s.setMemory(ops, name, v)
		}
		return false, nil
	}
	return true, nil
}

// setMemory sets what the family keeps: buffers and the filter.
func (s *Socket) setMemory(ops CommonOps, name int, v []byte) (known bool, err error) {
	switch name {
	case syscall.SO_SNDBUF, syscall.SO_SNDBUFFORCE:
		return true, ops.SetBuffer(s, true, bufferOf(v, name == syscall.SO_SNDBUFFORCE))
	case syscall.SO_RCVBUF, syscall.SO_RCVBUFFORCE:
		return true, ops.SetBuffer(s, false, bufferOf(v, name == syscall.SO_RCVBUFFORCE))
	case syscall.SO_ATTACH_FILTER:
		f, errno := ParseFilter(v)
		if errno != 0 {
			return true, errno
		}
		if f.Extended() && s.Family != syscall.AF_PACKET {
			return true, syscall.EINVAL // what it asks is known of frames only
		}
		return true, s.giveFilter(ops, f)
	case syscall.SO_DETACH_FILTER:
		if x := s.Extra(); (x == nil || x.filter.Load() == nil) && !x.isLocked() {
			return true, syscall.ENOENT
		}
		return true, s.giveFilter(ops, nil)
	}
	return false, nil
}

// bufferOf is what is asked for: less than 0 is the most there is, but by force the least.
func bufferOf(v []byte, force bool) int {
	value := IntOrByte(v)
	if value < 0 && !force {
		return MaxBuf
	}
	return max(min(value, MaxBuf), 0)
}

// getCommon reads an option that all families have; false: name is none.
func (s *Socket) getCommon(name int, v []byte) (n int, known bool, errno syscall.Errno) {
	if value, known := s.commonInt(name); known {
		n, errno = PutInt(v, value)
		return n, true, errno
	}
	switch name {
	case syscall.SO_RCVTIMEO, soRcvTimeoNew:
		n, errno = Put(v, Timeval(max(s.Rd.Timeout(), 0)))
	case syscall.SO_SNDTIMEO, soSndTimeoNew:
		n, errno = Put(v, Timeval(max(s.Wr.Timeout(), 0)))
	case soCookie:
		if len(v) < 8 {
			return 0, true, syscall.EINVAL
		}
		n, errno = Put(v, native.AppendUint64(nil, s.More().Cookie()))
	case syscall.SO_PEERNAME: // the family writes it, if there is one
		if _, err := s.Ops.GetName(s, true); err != nil {
			return 0, true, syscall.ENOTCONN
		}
		return 0, false, 0
	case syscall.SO_ATTACH_FILTER: // SO_GET_FILTER
		n, errno = s.Extra().program(v)
	case soStamping, soStampingNew:
		n, errno = Put(v, native.AppendUint64(nil, uint64(s.Extra().stamps(name))))
	default:
		return 0, false, 0
	}
	return n, true, errno
}

// commonInt is getCommon for what is an int.
func (s *Socket) commonInt(name int) (value int, known bool) {
	switch name {
	case syscall.SO_TYPE:
		return int(s.Type), true
	case soDomain:
		return int(s.Family), true
	case soProtocol:
		return int(s.Protocol), true
	case syscall.SO_ACCEPTCONN:
		return b2i(s.State() == Listening), true
	case syscall.SO_RCVLOWAT:
		return s.Rd.Least(), true
	case syscall.SO_SNDLOWAT:
		return 1, true
	case soBusyPoll:
		return int(s.Rd.BusyPoll() / time.Microsecond), true
	case soLockFilter:
		return b2i(s.Extra().isLocked()), true
	}
	if value, known := s.getStamp(name); known {
		return value, true
	}
	ops, ok := s.Ops.(CommonOps)
	if !ok {
		return 0, false
	}
	switch name {
	case syscall.SO_ERROR:
		return int(ops.TakeError(s)), true
	case syscall.SO_SNDBUF:
		return ops.Buffer(s, true), true
	case syscall.SO_RCVBUF:
		return ops.Buffer(s, false), true
	}
	return 0, false
}

// setTimeout is SO_RCVTIMEO and SO_SNDTIMEO. EDOM: no struct timeval is like this.
func (d *Side) setTimeout(v []byte) syscall.Errno {
	t, errno := TimevalOf(v)
	if errno == 0 {
		d.SetTimeout(t)
	}
	return errno
}

// orNil is e as an error.
func orNil(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
