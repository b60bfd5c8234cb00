package packet

import (
	"syscall"

	"dataplane/sock"
)

// What the options of level SOL_SOCKET need of packet sockets.
var _ sock.CommonOps = packets

// TakeError is SO_ERROR: any of the lcores may have heard of it.
func (*ops) TakeError(s *sock.Socket) syscall.Errno {
	for _, sk := range s.Group() {
		if e := sk.TakeError(); e != 0 {
			return e
		}
	}
	return 0
}

// SetBuffer sets the limit of a ring.
func (*ops) SetBuffer(s *sock.Socket, send bool, bytes int) error {
	n := min(max(bytes, sock.MinBuf), sock.MaxBuf)
	if !send {
		return onAll(s, func(_ *Layer, k *Sock) syscall.Errno {
			k.Opt.RcvBuf = int32(n)
			k.RX.SetLimit(n)
			return 0
		})
	}
	s.Wr.Lock()
	for _, sk := range s.Group() {
		sk.TX.SetLimit(n)
	}
	s.Wr.Unlock()
	return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.Opt.SndBuf = int32(n); return 0 })
}

// Buffer is what Linux shows, which counts what it needs itself.
func (*ops) Buffer(s *sock.Socket, send bool) int {
	var o sock.Options
	s.SK().Call(func() { o = s.SK().Opt })
	if send {
		return int(2 * o.SndBuf)
	}
	return int(2 * o.RcvBuf)
}

// SetFilter gives every part of s a filter.
func (*ops) SetFilter(s *sock.Socket, f *sock.Filter) error {
	return onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.filter = f; return 0 })
}
