package api

import (
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

const spliceFlags = unix.SPLICE_F_MOVE | unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MORE

// Splice moves what has come to the stream rfd, len bytes at the most, to the stream wfd,
// and returns how much it was; 0 is the end. Linux has a pipe between two sockets, and so
// two calls; here the bytes go from one ring to the other at once. It waits for the first
// byte, and for room, unless the descriptor concerned is O_NONBLOCK or flags have
// SPLICE_F_NONBLOCK. Before an urgent byte it ends: 0. Errors: EINVAL (not two streams, or
// an offset).
func (u *Posix) Splice(rfd int, roff *int64, wfd int, woff *int64, len int, flags int) (n int64, err error) {
	from, err := u.socket(rfd)
	if err != nil {
		return -1, notRead(err)
	}
	to, err := u.socket(wfd)
	switch {
	case err != nil:
		return -1, notRead(err)
	case roff != nil || woff != nil:
		return -1, unix.EINVAL
	case flags&^spliceFlags != 0 || len < 0 || from == to:
		return -1, unix.EINVAL
	case from.s.Type != unix.SOCK_STREAM || to.s.Type != unix.SOCK_STREAM:
		return -1, unix.EINVAL
	case len == 0:
		return 0, nil
	}
	read, write := from.flags(0), to.flags(0)
	if flags&unix.SPLICE_F_NONBLOCK != 0 {
		read, write = unix.MSG_DONTWAIT, unix.MSG_DONTWAIT
	}
	if flags&unix.SPLICE_F_MORE != 0 {
		write |= unix.MSG_MORE
	}
	from.s.Rd.Lock()
	defer from.s.Rd.Unlock()
	k, err := 0, error(nil)
	if ops, ok := from.s.Ops.(sock.LoanOps); ok {
		k, err = lend(from.s, to.s, ops, len, read, write)
	} else {
		k, err = relay(from.s, to.s, len, read, write)
	}
	if k > 0 {
		return int64(k), nil
	}
	k, err = result(0, plainErrno(err))
	return int64(k), err
}

// Sendfile is Splice until count bytes have gone, or the stream ends: of a socket, since
// the plane has no files. A TCPConn sends an *os.File by ReadFrom.
func (u *Posix) Sendfile(outfd int, infd int, offset *int64, count int) (written int, err error) {
	for written < count {
		n, err := u.Splice(infd, offset, outfd, nil, count-written, 0)
		if written += int(max(n, 0)); n <= 0 {
			if written > 0 {
				return written, nil
			}
			return int(n), err
		}
	}
	return written, nil
}

// lend sends what the ring of from holds where it lies. Under the lock of Rd.
func lend(from, to *sock.Socket, ops sock.LoanOps, most, read, write int) (sent int, err error) {
	if read&unix.MSG_DONTWAIT != 0 && from.Ops.Poll(from)&(sock.PollIn|sock.PollErr|sock.PollHup) == 0 {
		return 0, unix.EAGAIN
	}
	x, y, err := ops.Borrow(from, 1)
	if err != nil {
		return 0, err
	}
	if u, at, ok := from.SK().Marked(); ok && !u.Inline.Load() { // as Linux: not what comes with an urgent byte
		most = int(min(uint64(most), at-from.SK().RX.Tail()))
	}
	for _, b := range [2][]byte{x, y} {
		if b = b[:min(len(b), most-sent)]; len(b) == 0 {
			break
		}
		n, e := to.Send(b, write)
		ops.GiveBack(from, n)
		if sent += n; e != nil {
			return sent, e
		}
	}
	return sent, nil
}

// relayed is how much one call moves where no ring is lent.
const relayed = 64 << 10

// relay is lend for a stream that lends nothing: through memory between. Under the lock
// of Rd.
func relay(from, to *sock.Socket, most, read, write int) (int, error) {
	s := getScratch(min(most, relayed))
	defer s.put()
	n, err := from.Ops.Recv(from, s.b, read|unix.MSG_PEEK)
	if err != nil || n == 0 {
		return 0, err
	}
	n, err = to.Send(s.b[:n], write)
	if n > 0 {
		from.Ops.Recv(from, s.b[:n], unix.MSG_DONTWAIT) //nolint:errcheck // so much is there
	}
	return n, err
}
