package inet

import (
	"syscall"

	"dataplane/sock"
)

// The error queue (MSG_ERRQUEUE): what IP_RECVERR and IPV6_RECVERR ask for.

var _ sock.ErrorOps = inetOps{}

// Options that package syscall does not name.
const (
	msgErrQueue    = syscall.MSG_ERRQUEUE
	extendedErrLen = 16
)

// isRecvErr reports whether o is IP_RECVERR or IPV6_RECVERR.
func isRecvErr(o option) bool {
	return o == option{syscall.IPPROTO_IP, syscall.IP_RECVERR} || o == option{syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR}
}

// setRecvErr gives every Sock of s an error queue, or takes it away.
func setRecvErr(s *sock.Socket, on bool) error {
	var all []*sock.ErrQueue
	err := visit(s, s.Group(), func(sk *sock.Sock) syscall.Errno {
		r := sk.Rarely()
		switch r.RecvErr = on; {
		case !on:
			r.Errs = nil
		case r.Errs == nil:
			r.Errs = sock.NewErrQueue()
		}
		if r.Errs != nil {
			all = append(all, r.Errs)
		}
		return 0
	})
	if err == nil {
		more(s).errs.Store(&all)
	}
	return err
}

// errQueues are the error queues of s.
func errQueues(s *sock.Socket) []*sock.ErrQueue {
	if x := extraOf(s); x != nil {
		if all := x.errs.Load(); all != nil {
			return *all
		}
	}
	return nil
}

// troubled reports whether an error waits in a queue of s.
func troubled(s *sock.Socket) bool {
	for _, q := range errQueues(s) {
		if q.Len() > 0 {
			return true
		}
	}
	return false
}

// RecvError reads the oldest error: the payload of the packet it is about, where that
// was to go, and a control message with a struct sock_extended_err and the offender's
// address. The pending error is gone with the last one. EAGAIN: there is none.
func (inetOps) RecvError(s *sock.Socket, m *sock.Msg) (int, error) {
	for _, q := range errQueues(s) {
		var t sock.Trouble
		n, ok := q.Pop(&t, m.Buf)
		if !ok {
			continue
		}
		if !troubled(s) {
			takeError(s)
		}
		t.Peer, t.Offender = outer(t.Peer), outer(t.Offender)
		m.Name, m.Named, m.Len, m.Flags = t.Peer, true, n, msgErrQueue
		if n > len(m.Buf) {
			n, m.Flags = len(m.Buf), m.Flags|sock.MsgTrunc
		}
		c := sock.Controls{B: m.Control}
		putTrouble(&c, s.Family == syscall.AF_INET6, &t)
		if m.NControl = c.N; c.Short {
			m.Flags |= sock.MsgCtrunc
		}
		return n, nil
	}
	return 0, syscall.EAGAIN
}

// putTrouble writes the control message of an error.
func putTrouble(c *sock.Controls, six bool, t *sock.Trouble) {
	var data [extendedErrLen + maxSockaddr]byte
	native.PutUint32(data[:], uint32(t.Errno))
	data[4], data[5], data[6] = t.Origin, t.Type, t.Code
	native.PutUint32(data[8:], t.Info)
	var offender [maxSockaddr]byte
	n := 16
	if six {
		n = maxSockaddr
	}
	if t.Origin != sock.OriginLocal { // else AF_UNSPEC: nobody but this host
		putSockaddr(&offender, six, &t.Offender)
	}
	copy(data[extendedErrLen:], offender[:n])
	if six {
		c.Put(syscall.IPPROTO_IPV6, syscall.IPV6_RECVERR, data[:extendedErrLen+n])
		return
	}
	c.Put(syscall.IPPROTO_IP, syscall.IP_RECVERR, data[:extendedErrLen+n])
}
