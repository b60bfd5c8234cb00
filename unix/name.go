package unix

import (
	"fmt"
	"syscall"

	"dataplane/sock"
)

// maxPath is the room for a name in a sockaddr_un.
const maxPath = 108

// key is what a name is found by: abstract ones are apart for each type.
type key struct {
	path string
	typ  int16 // of an abstract name
}

func (e *endpoint) key(path string) key {
	if path != "" && path[0] == 0 {
		return key{path, e.s.Type}
	}
	return key{path: path}
}

// Bind gives the socket a name; an empty one lets the plane choose (autobind: an abstract
// name of five digits). Errors: EINVAL (it has one, the name is too long), EADDRINUSE.
func (ops) Bind(s *sock.Socket, local sock.Name) error {
	e := of(s)
	e.f.lock()
	defer e.f.mu.Unlock()
	path := local.Path
	if len(path) > maxPath {
		return syscall.EINVAL
	}
	if e.name.Load() != nil && path != "" {
		if _, taken := e.f.names[e.key(path)]; taken && path[0] != 0 { // Linux makes the path first
			return syscall.EADDRINUSE
		}
		return syscall.EINVAL
	}
	return e.bind(path)
}

// bind enters e under a name. One that it has stays. Under mu.
func (e *endpoint) bind(path string) error {
	f := e.f
	if e.name.Load() != nil {
		return nil
	}
	if e.s.Closed() { // nobody would take the name away
		return sock.ErrClosed
	}
	if path == "" {
		for range 1 << 20 {
			f.next++
			path = fmt.Sprintf("\x00%05x", f.next&(1<<20-1))
			if _, taken := f.names[e.key(path)]; !taken {
				break
			}
			path = ""
		}
		if path == "" {
			return syscall.ENOSPC
		}
	}
	at := e.key(path)
	if _, taken := f.names[at]; taken {
		return syscall.EADDRINUSE
	}
	f.names[at] = e
	e.name.Store(&path)
	if e.s.State() == sock.Unconnected {
		e.s.SetState(sock.Bound)
	}
	return nil
}

// find returns who has a name. ENOENT: nobody has made that path; ECONNREFUSED: nobody
// has the name any more; EPROTOTYPE: it is of another type than e. Under mu.
func (e *endpoint) find(path string) (*endpoint, error) {
	if path == "" || len(path) > maxPath {
		return nil, syscall.EINVAL
	}
	other, ok := e.f.names[e.key(path)]
	switch {
	case !ok && path[0] != 0:
		return nil, syscall.ENOENT
	case other == nil:
		return nil, syscall.ECONNREFUSED
	case other.s.Type != e.s.Type:
		return nil, syscall.EPROTOTYPE
	}
	return other, nil
}

// Unlink removes a path (unlink). The socket that has it goes on, but nobody can find it
// any more. ENOENT: there is none, as for abstract names.
func (f *Family) Unlink(path string) error {
	f.lock()
	defer f.mu.Unlock()
	if _, ok := f.names[key{path: path}]; !ok {
		return syscall.ENOENT
	}
	delete(f.names, key{path: path})
	return nil
}

// leave takes e's name away: an abstract one is free again, a path stays until Unlink.
// Under mu.
func (e *endpoint) leave() {
	p := e.name.Load()
	if p == nil || e.f.names[e.key(*p)] != e { // the path may have been removed, and be another's
		return
	}
	if (*p)[0] == 0 {
		delete(e.f.names, e.key(*p))
		return
	}
	e.f.names[e.key(*p)] = nil
}

// called returns e's name, which may be none.
func (e *endpoint) called() (n sock.Name) {
	if p := e.name.Load(); p != nil {
		n.Path = *p
	}
	return n
}

// GetName returns the name of this end or of the peer; one without a name has the empty
// one. ENOTCONN: there is no peer.
func (ops) GetName(s *sock.Socket, peer bool) (sock.Name, error) {
	e := of(s)
	if peer {
		if e = e.peer.Load(); e == nil {
			return sock.Name{}, syscall.ENOTCONN
		}
	}
	return e.called(), nil
}
