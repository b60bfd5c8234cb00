package tcp

import (
	"bytes"
	"cmp"
	"strings"
	"syscall"

	"dataplane/perf"
	"dataplane/sock"
)

// Options of level IPPROTO_TCP, numbered as in Linux's <netinet/tcp.h>.
const (
	optNoDelay     = 1
	optMaxSeg      = 2
	optCork        = 3
	optKeepIdle    = 4
	optKeepIntvl   = 5
	optKeepCnt     = 6
	optLinger2     = 8
	optSynCount    = 7
	optInfo        = 11
	optQuickAck    = 12
	optCongestion  = 13
	optUserTimeout = 18
)

// Bounds of Linux.
const (
	maxKeepSecs    = 32767
	maxKeepCount   = 127
	maxSegOption   = 32767
	leastSegOption = 88 // TCP_MIN_MSS
	maxUserMs      = 1<<31 - 1
	congNameLen    = 16 // TCP_CA_NAME_MAX
	maxSynCount    = 127
	maxFinWait2    = 120 * perf.Second // TCP_FIN_TIMEOUT_MAX
)

// SetOption sets an option of level TCP, the TTL and TOS of level IP, and what
// of level SOL_SOCKET changes the work of TCP.
func (l *Layer) SetOption(sk *sock.Sock, level, name int, v []byte) syscall.Errno {
	s := sk.Owner.(*Sock)
	if s.state != Closed { // else it may be a goroutine that calls, before l knows s
		l.now = max(l.now, l.cfg.Core.Now)
	}
	switch {
	case level == syscall.IPPROTO_IP:
		return s.setIP(name, sock.IntOrByte(v))
	case level != syscall.IPPROTO_TCP && level != syscall.SOL_SOCKET:
		return syscall.ENOPROTOOPT
	case level == syscall.IPPROTO_TCP && name == optCongestion && len(v) == 0:
		return syscall.EINVAL
	case level == syscall.IPPROTO_TCP && name == optCongestion:
		return l.SetCongestion(sk, text(v))
	}
	value, errno := sock.Int(v)
	switch {
	case errno != 0:
		return errno
	case level == syscall.IPPROTO_TCP:
		return l.setTCP(s, name, value)
	}
	return l.setSocket(s, name, value)
}

// Device lets what sk sends leave by one link (its number plus 1; 0: as the routes say),
// and what comes by others than the link only is not for it.
func (l *Layer) Device(sk *sock.Sock, iface, only uint16) {
	sk.Owner.(*Sock).SetDevice(iface)
	sk.HearOnly(only)
}

// text is the value of an option that is a string, which may end with a zero byte.
func text(v []byte) string {
	b, _, _ := bytes.Cut(v, []byte{0})
	return string(b)
}

func (l *Layer) setTCP(s *Sock, name, v int) syscall.Errno {
	o := &s.opt
	switch name {
	case optNoDelay:
		if o.noDelay = v != 0; o.noDelay && s.state.sends() {
			l.want(s) // what Nagle held may go
		}
	case optCork:
		if o.cork |= corkOption; v == 0 {
			o.cork &^= corkOption
		}
		if o.cork&^corkUrgent == 0 && s.state.sends() {
			s.snd.force = s.snd.una == s.snd.max
			l.want(s)
		}
	case optQuickAck:
		s.rcv.talks, s.rcv.quick = v == 0, 0
		if v != 0 {
			s.rcv.quick = quickAcks
		}
		if v != 0 && s.dack.on() {
			s.rcv.ackNow = true
			l.want(s)
		}
	case optMaxSeg:
		if v != 0 && v < leastSegOption || v < 0 || v > maxSegOption { // 0: no limit but the path's
			return syscall.EINVAL
		}
		o.maxSeg = uint16(v)
		s.snd.mtu = 0 // resize
	case optKeepIdle:
		return l.setKeep(s, &o.keepIdle, v)
	case optKeepIntvl:
		return l.setKeep(s, &o.keepIntvl, v)
	case optKeepCnt:
		if v < 1 || v > maxKeepCount {
			return syscall.EINVAL
		}
		o.keepCount = uint8(v)
	case optSynCount:
		if v < 1 || v > maxSynCount {
			return syscall.EINVAL
		}
		o.synCount = uint8(v)
	case optUserTimeout:
		if v < 0 || v > maxUserMs {
			return syscall.EINVAL
		}
		o.userLimit = millis(v)
	case optLinger2:
		o.finWait2 = l.finWait2(v)
	default:
		if known, errno := l.setRare(s, name, v); known {
			return errno
		}
		return syscall.ENOPROTOOPT
	}
	return 0
}

// finWait2 is TCP_LINGER2: 0 is the default, less than 0 no FIN-WAIT-2 at all.
func (l *Layer) finWait2(secs int) millis {
	if secs == 0 {
		return toMillis(l.cfg.FinWait2)
	}
	return toMillis(min(max(perf.Tick(secs), 0)*perf.Second, maxFinWait2))
}

func (l *Layer) setKeep(s *Sock, t *millis, secs int) syscall.Errno {
	if secs < 1 || secs > maxKeepSecs {
		return syscall.EINVAL
	}
	*t = millis(secs) * 1000
	if !s.orphan {
		l.startKeepAlive(s)
	}
	return 0
}

func (s *Sock) setIP(name, v int) syscall.Errno {
	switch name {
	case syscall.IP_TTL:
		if v == -1 {
			v = 0 // the default again
		} else if v < 1 || v > 255 {
			return syscall.EINVAL
		}
		s.TTL = uint8(v)
	case syscall.IP_TOS:
		s.TOS = uint8(v) &^ 3 // the ECN bits are not the application's
	case syscall.IP_MTU_DISCOVER: // the others mean what no stream could do with them
		if v < syscall.IP_PMTUDISC_DONT || v > syscall.IP_PMTUDISC_DO {
			return syscall.EINVAL
		}
		s.opt.pmtu = s.opt.pmtu&inPlace | uint8(v) ^ syscall.IP_PMTUDISC_WANT
		s.DontFrag = s.discover() != syscall.IP_PMTUDISC_DONT
	default:
		return syscall.ENOPROTOOPT
	}
	return 0
}

func (l *Layer) setSocket(s *Sock, name, v int) syscall.Errno {
	switch name {
	case syscall.SO_KEEPALIVE:
		s.Opt.KeepAlive = v != 0
		switch {
		case s.orphan:
		case v != 0:
			l.startKeepAlive(s)
		default:
			s.keep.stop()
		}
	case syscall.SO_OOBINLINE:
		s.opt.pmtu &^= inPlace // from now on inet's Urgent says it
	case syscall.SO_RCVBUF:
		s.Opt.RcvBuf, s.Opt.RcvBufSet = int32(min(max(v, sock.MinBuf), sock.MaxBuf)), true
		if s.state.synchronized() {
			n := int(s.Opt.RcvBuf)
			if s.rcv.scale == 0 {
				n = min(n, 1<<16-1)
			}
			s.setLimit(n)
			l.updateWindow(s)
		}
	default:
		return syscall.ENOPROTOOPT
	}
	return 0
}

// GetOption returns an option that SetOption knows.
func (l *Layer) GetOption(sk *sock.Sock, level, name int, v []byte) (int, syscall.Errno) {
	s := sk.Owner.(*Sock)
	if level == syscall.IPPROTO_TCP && name == optInfo {
		return sock.Put(v, s.InfoBytes())
	}
	if level == syscall.IPPROTO_TCP && name == optCongestion {
		var b [congNameLen]byte
		copy(b[:], strings.TrimPrefix(s.opt.cong.String(), "new")) // newreno is reno in Linux
		return sock.Put(v, b[:])
	}
	if level == syscall.IPPROTO_TCP && name == optSavedSyn {
		return s.savedSyn(v)
	}
	x, errno := s.option(level, name)
	switch {
	case errno != 0:
		return 0, errno
	case level == syscall.IPPROTO_IP:
		return sock.PutIntOrByte(v, x)
	}
	return sock.PutInt(v, x)
}

// option is an option that is an int.
func (s *Sock) option(level, name int) (int, syscall.Errno) {
	o := &s.opt
	switch level<<16 | name {
	case syscall.IPPROTO_TCP<<16 | optNoDelay:
		return b2i(o.noDelay), 0
	case syscall.IPPROTO_TCP<<16 | optCork:
		return b2i(o.cork&corkOption != 0), 0
	case syscall.IPPROTO_TCP<<16 | optQuickAck:
		return b2i(!s.rcv.talks), 0
	case syscall.IPPROTO_TCP<<16 | optMaxSeg:
		return s.maxSeg(), 0
	case syscall.IPPROTO_TCP<<16 | optKeepIdle:
		return int(o.keepIdle / 1000), 0
	case syscall.IPPROTO_TCP<<16 | optKeepIntvl:
		return int(o.keepIntvl / 1000), 0
	case syscall.IPPROTO_TCP<<16 | optKeepCnt:
		return int(o.keepCount), 0
	case syscall.IPPROTO_TCP<<16 | optUserTimeout:
		return int(o.userLimit), 0
	case syscall.IPPROTO_TCP<<16 | optLinger2:
		if o.finWait2 == 0 {
			return -1, 0
		}
		return int(o.finWait2 / 1000), 0
	case syscall.IPPROTO_IP<<16 | syscall.IP_TTL:
		if s.TTL == 0 {
			return 64, 0
		}
		return int(s.TTL), 0
	case syscall.IPPROTO_IP<<16 | syscall.IP_TOS:
		return int(s.TOS), 0
	case syscall.IPPROTO_IP<<16 | syscall.IP_MTU_DISCOVER:
		return s.discover(), 0
	case syscall.IPPROTO_IP<<16 | syscall.IP_MTU:
		if !s.state.synchronized() {
			return 0, syscall.ENOTCONN
		}
		return s.Dst.MTU, 0
	case syscall.IPPROTO_TCP<<16 | optSynCount:
		return int(cmp.Or(o.synCount, uint8(s.l.cfg.SynRetries))), 0
	case syscall.SOL_SOCKET<<16 | syscall.SO_KEEPALIVE:
		return b2i(s.Opt.KeepAlive), 0
	case syscall.SOL_SOCKET<<16 | syscall.SO_RCVBUF:
		return int(s.Opt.RcvBuf), 0
	}
	if level == syscall.IPPROTO_TCP {
		if x, known := s.getRare(name); known {
			return x, 0
		}
	}
	return 0, syscall.ENOPROTOOPT
}

// discover is IP_MTU_DISCOVER. WANT and DO are the same for a stream.
func (s *Sock) discover() int { return int(s.opt.pmtu&^inPlace ^ syscall.IP_PMTUDISC_WANT) }

// maxSeg is what TCP_MAXSEG says: the MSS in use, else what was asked for.
func (s *Sock) maxSeg() int {
	switch {
	case s.state.synchronized():
		return s.win.MSS
	case s.opt.maxSeg > 0:
		return int(s.opt.maxSeg)
	}
	return 536
}

// SetCongestion chooses the algorithm (TCP_CONGESTION). On the lcore.
func (l *Layer) SetCongestion(sk *sock.Sock, name string) syscall.Errno {
	s := sk.Owner.(*Sock)
	cc, ok := NewCongestion(name)
	if !ok || name == "" {
		return syscall.ENOENT
	}
	s.opt.cong = congOf(cc.Name())
	if s.state.synchronized() {
		w := s.win
		cc.Init(&w, l.now)
		w.Cwnd, w.Ssthresh = s.win.Cwnd, s.win.Ssthresh
		s.win, s.cc = w, cc
	}
	return 0
}

// Congestion returns the name of the algorithm in use.
func (l *Layer) Congestion(sk *sock.Sock) string { return sk.Owner.(*Sock).opt.cong.String() }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
