package tcp

import "syscall"

// claim gives s a local port if it has none, and makes sure that the flow is
// nobody else's. floor, if not zero, is what the ISN must lie above, since the
// name was in TIME-WAIT. ESTALE: the flow belongs to another lcore, by now.
func (l *Layer) claim(s *Sock) (floor uint32, errno syscall.Errno) {
	if s.LocalPort != 0 {
		if !l.cfg.Owner(s.Local, s.Remote, s.LocalPort, s.RemotePort) {
			return 0, syscall.ESTALE
		}
		if floor, ok := l.usable(s); ok {
			return floor, 0
		}
		return 0, syscall.EADDRNOTAVAIL
	}
	// RFC 6056 3.3.1: from a random start, every port once.
	n := int(l.cfg.PortMax) - int(l.cfg.PortMin) + 1
	start := l.rng.IntN(n)
	errno = syscall.ESTALE
	for i := range n {
		k := start + i
		if k >= n {
			k -= n
		}
		p := l.cfg.PortMin + uint16(k)
		if !l.cfg.Owner(s.Local, s.Remote, p, s.RemotePort) {
			continue
		}
		if errno = syscall.EADDRNOTAVAIL; l.cfg.PortInUse(p) {
			continue
		}
		s.LocalPort = p
		if floor, ok := l.usable(s); ok {
			return floor, 0
		}
	}
	s.LocalPort = 0
	return 0, errno
}

// usable: no connection has the name of s, nor one that must rest still.
func (l *Layer) usable(s *Sock) (floor uint32, ok bool) {
	k := s.key()
	if _, taken := l.conns.Lookup(&k); taken {
		return 0, false
	}
	tw, rests := l.waits.Lookup(&k)
	if !rests {
		return 0, true
	}
	if !tw.reusable(l.now) {
		return 0, false
	}
	floor = tw.above()
	l.waiting.drop(tw)
	return floor, true
}
