package inet

import (
	"syscall"

	"dataplane/sock"
)

// lingerOff stands for lingering that is switched off; any other value is the time in
// seconds, 0 to abort the connection at close.
const lingerOff = -1

// Options that package syscall does not name, and the bits of SO_BUF_LOCK: what is locked
// does not grow by itself.
const (
	soReusePort = 15
	soBufLock   = 72
	bufLockSnd  = 1
	bufLockRcv  = 2
)

// set sets one option. Runs on the lcore.
func set(sk *sock.Sock, level, name int, v []byte) syscall.Errno {
	if known, errno := setNear(sk, option{level, name}, sock.IntOrByte(v)); known {
		return errno
	}
	if level != syscall.SOL_SOCKET {
		return sk.Proto.SetOption(sk, level, name, v)
	}
	if e := setCommon(sk, name, v); e != 0 {
		return e
	}
	return tell(sk, name, v)
}

// tell lets the transport hear of a change; what it does not care for is set all the same.
func tell(sk *sock.Sock, name int, v []byte) syscall.Errno {
	if e := sk.Proto.SetOption(sk, syscall.SOL_SOCKET, name, v); e != syscall.ENOPROTOOPT {
		return e
	}
	return 0
}

// setRcvBuf sets the limit of the receive ring. Runs on the lcore.
func setRcvBuf(sk *sock.Sock, bytes int) syscall.Errno {
	sk.Opt.RcvBuf, sk.Opt.RcvBufSet = int32(clampBuf(bytes)), true
	e := sk.SetInt(syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes)
	if e == syscall.ENOPROTOOPT {
		sk.RX.SetLimit(int(sk.Opt.RcvBuf))
		return 0
	}
	return e
}

// setCommon sets an option of level SOL_SOCKET. Runs on the lcore.
func setCommon(sk *sock.Sock, name int, v []byte) syscall.Errno {
	value, o := sock.IntOrByte(v), &sk.Opt
	switch name {
	case syscall.SO_REUSEADDR:
		o.ReuseAddr = value != 0
	case soReusePort:
		o.ReusePort = value != 0
	case syscall.SO_BROADCAST:
		o.Broadcast = value != 0
	case syscall.SO_OOBINLINE:
		sk.Urge().Inline.Store(value != 0)
	case syscall.SO_KEEPALIVE:
		o.KeepAlive = value != 0
	case soBufLock:
		if value&^(bufLockSnd|bufLockRcv) != 0 {
			return syscall.EINVAL
		}
		o.SndBufSet, o.RcvBufSet = value&bufLockSnd != 0, value&bufLockRcv != 0
	case syscall.SO_LINGER:
		secs, _ := sock.LingerOf(v)
		o.Abort = secs == 0
	default:
		return syscall.ENOPROTOOPT
	}
	return 0
}

// getCommon reads an option of level SOL_SOCKET. Runs on the lcore.
func getCommon(sk *sock.Sock, name int, v []byte) (int, syscall.Errno) {
	o := &sk.Opt
	switch name {
	case syscall.SO_REUSEADDR:
		return sock.PutBool(v, o.ReuseAddr)
	case soReusePort:
		return sock.PutBool(v, o.ReusePort)
	case syscall.SO_BROADCAST:
		return sock.PutBool(v, o.Broadcast)
	case syscall.SO_KEEPALIVE:
		return sock.PutBool(v, o.KeepAlive)
	case soBufLock:
		return sock.PutInt(v, b2i(o.SndBufSet)*bufLockSnd|b2i(o.RcvBufSet)*bufLockRcv)
	case syscall.SO_OOBINLINE:
		return sock.PutBool(v, inline(sk))
	case soMemInfo:
		return sock.Put(v, memInfo(sk))
	}
	return 0, syscall.ENOPROTOOPT
}

// inline is SO_OOBINLINE. Runs on the lcore.
func inline(sk *sock.Sock) bool {
	if t, ok := sk.Owner.(interface{ InPlace() bool }); ok && t.InPlace() {
		return true
	}
	r := sk.Opt.Rare
	return r != nil && r.Urgent != nil && r.Urgent.Inline.Load()
}

// memInfo is SO_MEMINFO, in the order of Linux's SK_MEMINFO_*. What the rings hold counts
// as memory; there is no backlog, and nothing is allocated in advance. Runs on the lcore.
func memInfo(sk *sock.Sock) []byte {
	var v []byte
	for _, x := range [...]uint32{
		uint32(sk.RX.Len()), uint32(2 * sk.Opt.RcvBuf), uint32(sk.TX.Len()), uint32(2 * sk.Opt.SndBuf),
		0, uint32(sk.TX.Len()), 0, 0, dropsOf(sk),
	} {
		v = native.AppendUint32(v, x)
	}
	return v
}
