package packet

import (
	"syscall"

	"dataplane/sock"
)

// attach gives s a filter: SO_ATTACH_FILTER. Errors: EINVAL, EPERM (it is locked).
func (p *private) attach(s *sock.Socket, v []byte) error {
	f, errno := sock.ParseFilter(v)
	if errno != 0 {
		return errno
	}
	return p.setFilter(s, f)
}

// detach takes the filter of s away. ENOENT: there is none.
func (p *private) detach(s *sock.Socket) error {
	if p.filter.Load() == nil && !p.locked.Load() {
		return syscall.ENOENT
	}
	return p.setFilter(s, nil)
}

// setFilter gives every part of s a filter.
func (p *private) setFilter(s *sock.Socket, f *sock.Filter) error {
	if p.locked.Load() {
		return syscall.EPERM
	}
	err := onAll(s, func(_ *Layer, k *Sock) syscall.Errno { k.filter = f; return 0 })
	if err == nil {
		p.filter.Store(f)
	}
	return err
}

// lock lets nobody change the filter any more: SO_LOCK_FILTER.
func (p *private) lock(on bool) error {
	if !on && p.locked.Load() {
		return syscall.EPERM
	}
	p.locked.Store(on)
	return nil
}

// program is SO_GET_FILTER, whose length is counted in instructions.
func (p *private) program(v []byte) (int, syscall.Errno) {
	const size = 8
	f := p.filter.Load()
	if f == nil {
		return 0, 0
	}
	if len(v) < len(f.Bytes()) && len(v) > 0 {
		return 0, syscall.EINVAL
	}
	copy(v, f.Bytes())
	return len(f.Bytes()) / size, 0
}
