package sock

import (
	"syscall"

	"dataplane/perf"
)

// When messages came: SO_TIMESTAMP and its like.

// What a message is to come with, besides what the family knows (Extra.Wants).
const (
	WantTimestamp   uint32 = 1 << iota
	WantTimestampNS        // in nanoseconds
	WantNewStamp           // by the numbers of SO_TIMESTAMP_NEW and its like
	WantStamping           // SO_TIMESTAMPING
	WantDrops              // SO_RXQ_OVFL

	WantFamily = 1 << 8 // the first bit that is the family's
)

const wantTime = WantTimestamp | WantTimestampNS

// Options of time that package syscall does not name.
const (
	soTimestampNS    = 35
	soStamping       = 37
	soTimestampNew   = 63
	soTimestampNSNew = 64
	soStampingNew    = 65
)

// Flags of SO_TIMESTAMPING that have a meaning here: the time at which software received
// the packet, and that it is to be told.
const (
	stampRxSoftware = 1 << 3
	stampSoftware   = 1 << 4
)

// stampOf returns what an option that asks for the time stands for, 0: none.
func stampOf(name int) uint32 {
	switch name {
	case syscall.SO_TIMESTAMP:
		return WantTimestamp
	case soTimestampNS:
		return WantTimestampNS
	case soTimestampNew:
		return WantTimestamp | WantNewStamp
	case soTimestampNSNew:
		return WantTimestampNS | WantNewStamp
	}
	return 0
}

// setStamp sets an option that asks for a control message; false: name is none. Of
// several that ask for the time the last one counts, as in Linux.
func (s *Socket) setStamp(name, value int) (known bool, errno syscall.Errno) {
	bits := stampOf(name)
	switch {
	case bits != 0 && value != 0:
		s.Want(wantTime|WantNewStamp, bits)
	case bits != 0:
		s.Want(wantTime|WantNewStamp, 0)
	case name == soRxqOvfl:
		s.WantIf(WantDrops, value != 0)
	case name == soStamping || name == soStampingNew:
		return true, s.setStamping(value, name == soStampingNew)
	default:
		return false, 0
	}
	return true, 0
}

// setStamping is SO_TIMESTAMPING.
func (s *Socket) setStamping(value int, newer bool) syscall.Errno {
	if value&^(stampRxSoftware|stampSoftware) != 0 {
		return syscall.EINVAL
	}
	s.More().stamping.Store(uint32(value))
	var on uint32
	if value == stampRxSoftware|stampSoftware {
		on |= WantStamping
	}
	if newer {
		on |= WantNewStamp
	}
	s.Want(WantStamping|WantNewStamp, on)
	return 0
}

// getStamp reads an option that asks for a control message; false: name is none.
func (s *Socket) getStamp(name int) (value int, known bool) {
	wants := s.Extra().Wants()
	switch b := stampOf(name); b {
	case 0:
	case WantTimestamp | WantNewStamp: // as Linux: also where it is in nanoseconds
		return b2i(wants&wantTime != 0 && wants&WantNewStamp != 0), true
	default:
		return b2i(wants&(wantTime|WantNewStamp) == b), true
	}
	return b2i(wants&WantDrops != 0), name == soRxqOvfl
}

// stamps is SO_TIMESTAMPING, by one of its two numbers.
func (x *Extra) stamps(name int) uint32 {
	if x == nil || (x.Wants()&WantNewStamp != 0) != (name == soStampingNew) {
		return 0
	}
	return x.stamping.Load()
}

// PutStamps writes when a message came, as want asks for it.
func (c *Controls) PutStamps(want uint32, came perf.Tick) {
	newer := want&WantNewStamp != 0
	switch {
	case want&WantTimestampNS != 0 && newer:
		c.PutTime(came, soTimestampNSNew)
	case want&WantTimestampNS != 0:
		c.PutTime(came, soTimestampNS)
	case want&WantTimestamp != 0 && newer:
		c.PutTime(came, soTimestampNew)
	case want&WantTimestamp != 0:
		c.PutTime(came, syscall.SO_TIMESTAMP)
	}
	switch {
	case want&WantStamping != 0 && newer:
		c.PutTime(came, soStampingNew)
	case want&WantStamping != 0:
		c.PutTime(came, soStamping)
	}
}

// PutDrops says how many messages have found no room, if it is wanted and there are any.
func (c *Controls) PutDrops(want, n uint32) {
	if want&WantDrops == 0 || n == 0 {
		return
	}
	var data [intLen]byte
	native.PutUint32(data[:], n)
	c.Put(syscall.SOL_SOCKET, soRxqOvfl, data[:])
}
