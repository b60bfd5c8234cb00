package api

import (
	"sync"
	"time"

	"dataplane/inet"
	"dataplane/sock"

	"golang.org/x/sys/unix"
)

// Mmsghdr is one message of Sendmmsg and Recvmmsg, struct mmsghdr: the message in
// pieces, control messages, an address. An Addr of the socket's kind is filled in where
// it is; else it is a new one.
type Mmsghdr struct {
	Buffers [][]byte
	OOB     []byte
	Addr    unix.Sockaddr
	N, NN   int // bytes of Buffers and of OOB that were used
	Flags   int // receive: MSG_TRUNC, MSG_CTRUNC
}

// mmsgs are the messages of a call at work, where datagrams go many at once.
type mmsgs struct {
	f     *file
	ms    []Mmsghdr
	whole bool // MSG_TRUNC: N is the length of the datagram, not of what fits
	msg   sock.Msg
}

type (
	intoMmsgs mmsgs
	fromMmsgs mmsgs
)

var mmsgsPool = sync.Pool{New: func() any { return new(mmsgs) }}

func (b *mmsgs) put() {
	*b = mmsgs{}
	mmsgsPool.Put(b)
}

// Sendmmsg sends messages in order and returns how many were sent. An error is that of
// the first of them.
func (u *Posix) Sendmmsg(fd int, msgs []Mmsghdr, flags int) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, err
	}
	if f.udp() && flags&^sendFlags == 0 && flags&unix.MSG_MORE == 0 {
		n, err = f.sendMany(msgs, f.flags(flags)&unix.MSG_DONTWAIT)
	} else {
		n, err = f.sendEach(msgs, flags)
	}
	if n > 0 {
		return n, nil
	}
	return result(0, plainErrno(err))
}

// sendEach sends one message after the other.
func (f *file) sendEach(msgs []Mmsghdr, flags int) (int, error) {
	for i := range msgs {
		m := &msgs[i]
		n, err := f.sendv(m.Buffers, m.OOB, m.Addr, flags)
		if err != nil {
			return i, err
		}
		m.N, m.NN = n, len(m.OOB)
		if n < total(m.Buffers) { // a part of a stream: nothing may follow before the rest
			return i + 1, nil
		}
	}
	return len(msgs), nil
}

// sendMany sends datagrams as many at once as there is room for.
func (f *file) sendMany(msgs []Mmsghdr, flags int) (n int, err error) {
	b, _ := mmsgsPool.Get().(*mmsgs)
	defer b.put()
	for n < len(msgs) && err == nil {
		b.f, b.ms = f, msgs[n:]
		f.s.Wr.Lock()
		var k int
		k, err = f.s.SendBatch((*fromMmsgs)(b), len(b.ms), flags)
		f.s.Wr.Unlock()
		for i := range b.ms[:k] {
			m := &b.ms[i]
			m.N, m.NN = total(m.Buffers), len(m.OOB)
		}
		n += k
	}
	return n, err
}

// Datagram describes one message.
func (b *fromMmsgs) Datagram(i int) (*sock.Msg, [][]byte, error) {
	m := &b.ms[i]
	b.msg.Control, b.msg.Named = m.OOB, m.Addr != nil
	if m.Addr != nil {
		var err error
		if b.msg.Name, err = b.f.peer(m.Addr); err != nil {
			return nil, nil, err
		}
	}
	return &b.msg, m.Buffers, nil
}

// batched are the flags with which datagrams are received many at once.
const batched = unix.MSG_PEEK | unix.MSG_DONTWAIT | unix.MSG_TRUNC | unix.MSG_WAITFORONE | unix.MSG_NOSIGNAL

// Recvmmsg receives messages until msgs are full, and returns how many. With
// MSG_WAITFORONE it waits for the first only; timeout, if it is not nil, is looked at
// after each message, as Linux does it. An error that comes after a message is told by
// the next call.
func (u *Posix) Recvmmsg(fd int, msgs []Mmsghdr, flags int, timeout *unix.Timespec) (n int, err error) {
	f, err := u.socket(fd)
	if err != nil {
		return -1, err
	}
	if timeout == nil && f.udp() && flags&^batched == 0 {
		n, err = f.recvMany(msgs, f.flags(flags))
	} else {
		n, err = f.recvEach(msgs, flags, timeout)
	}
	if n == 0 {
		return result(0, plainErrno(err))
	}
	if e, ok := err.(unix.Errno); ok && e != unix.EAGAIN { //nolint:errorlint // the layers below return it bare
		if f.s.Use() { // else its Sock may be another's now
			if sk := f.s.SK(); sk != nil {
				sk.Blame(e)
			}
			f.s.Done()
		}
	}
	return n, nil
}

// recvEach receives one message after the other.
func (f *file) recvEach(msgs []Mmsghdr, flags int, timeout *unix.Timespec) (n int, err error) {
	var end time.Time
	if timeout != nil {
		if timeout.Sec < 0 || timeout.Nsec < 0 || timeout.Nsec >= 1e9 {
			return 0, unix.EINVAL
		}
		end = time.Now().Add(time.Duration(timeout.Nano()))
	}
	for n < len(msgs) {
		if err = f.recvInto(&msgs[n], flags); err != nil {
			break
		}
		n++
		if flags&unix.MSG_WAITFORONE != 0 {
			flags |= unix.MSG_DONTWAIT
		}
		if timeout != nil && !time.Now().Before(end) {
			break
		}
	}
	return n, err
}

// recvMany receives datagrams, all that are there at once.
func (f *file) recvMany(msgs []Mmsghdr, flags int) (n int, err error) {
	b, _ := mmsgsPool.Get().(*mmsgs)
	defer b.put()
	for n < len(msgs) && err == nil {
		b.f, b.ms, b.whole = f, msgs[n:], flags&unix.MSG_TRUNC != 0
		f.s.Rd.Lock()
		var k int
		k, err = f.s.RecvBatch((*intoMmsgs)(b), len(b.ms), flags&(unix.MSG_PEEK|unix.MSG_DONTWAIT))
		f.s.Rd.Unlock()
		if n += k; k == 0 && err == nil { // shut: each is an empty message, as in Linux
			k, err = f.recvEach(msgs[n:], flags, nil)
			n += k
		}
		if flags&unix.MSG_WAITFORONE != 0 {
			flags |= unix.MSG_DONTWAIT
		}
	}
	return n, err
}

// Datagram copies one datagram to its message.
func (b *intoMmsgs) Datagram(i int, h *sock.Record, x, y []byte) {
	m := &b.ms[i]
	m.N, m.Flags = scatter(m.Buffers, x, y)
	if b.whole {
		m.N = h.Len()
	}
	m.NN = inet.PutControl(b.f.s, h, m.OOB, &m.Flags)
	from := h.Peer()
	m.from(b.f, &from)
}

// recvInto receives one of several messages.
func (f *file) recvInto(h *Mmsghdr, flags int) error {
	m := sock.Msg{Control: h.OOB, Flags: flags}
	n, err := f.recvv(h.Buffers, &m)
	if err != nil {
		return err
	}
	h.N, h.NN, h.Flags = n, m.NControl, m.Flags
	if !m.Named {
		h.Addr = nil
		return nil
	}
	h.from(f, &m.Name)
	return nil
}

// from notes who sent h: in the address that is there, if it is of the socket's kind.
func (h *Mmsghdr) from(f *file, n *sock.Name) {
	switch a := h.Addr.(type) {
	case *unix.SockaddrInet4:
		if a != nil && f.s.Family == unix.AF_INET {
			a.Port, a.Addr = int(n.Port), [4]byte(n.Addr[12:])
			return
		}
	case *unix.SockaddrInet6:
		if a != nil && f.s.Family == unix.AF_INET6 {
			a.Port, a.Addr, a.ZoneId = int(n.Port), n.Addr, n.Zone
			return
		}
	}
	h.Addr = f.sockaddr(n)
}
