// Package nlclient is the commands' end of a netlink socket of a plane that another
// process runs: requests, their answers, and what the plane tells of itself.
//
// It runs on the main goroutine.
package nlclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"dataplane/cmd/dataplane/control"
)

const maxMessage = 1 << 18

// Conn is a netlink socket of a plane.
type Conn struct {
	c net.Conn
	r *bufio.Reader
}

// Message is one message of the plane: its type and what follows the header.
type Message struct {
	Type uint16
	Data []byte
}

// Dial reaches the plane that listens at path; service is one of package control's.
func Dial(path, service string) (*Conn, error) {
	c, err := control.Dial(path, service)
	if err != nil {
		return nil, err
	}
	return &Conn{c, bufio.NewReaderSize(c, maxMessage)}, nil
}

// Join lets the plane tell what the groups in this mask are for. From then on there is
// Next, and no Do any more.
func (k *Conn) Join(groups uint64) error {
	b := binary.NativeEndian.AppendUint32(nil, unix.NLMSG_HDRLEN+8)
	b = binary.NativeEndian.AppendUint16(b, unix.NLMSG_NOOP)
	b = append(b, make([]byte, 10)...)
	_, err := k.c.Write(binary.NativeEndian.AppendUint64(b, groups))
	return err
}

// Peer returns the process id of the plane; 0: it is not known.
func (k *Conn) Peer() int {
	u, ok := k.c.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	raw.Control(func(fd uintptr) { //nolint:errcheck // then it stays 0
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}

// Close ends the connection.
func (k *Conn) Close() error { return k.c.Close() }

// ErrLost says that the plane told more than was read in time.
var ErrLost = errors.New("some messages were lost: this program was too slow")

// next reads one message.
func (k *Conn) next() (m Message, seq uint32, err error) {
	head := make([]byte, unix.NLMSG_HDRLEN)
	if _, err := io.ReadFull(k.r, head); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the plane has ended")
		}
		return m, 0, err
	}
	n := binary.NativeEndian.Uint32(head)
	if n < unix.NLMSG_HDRLEN || n > maxMessage {
		return m, 0, fmt.Errorf("a message of %d bytes", n)
	}
	b := make([]byte, (n+3)&^3-unix.NLMSG_HDRLEN)
	if _, err := io.ReadFull(k.r, b); err != nil {
		return m, 0, err
	}
	m = Message{binary.NativeEndian.Uint16(head[4:]), b[:n-unix.NLMSG_HDRLEN]}
	if m.Type == unix.NLMSG_OVERRUN {
		err = ErrLost
	}
	return m, binary.NativeEndian.Uint32(head[8:]), err
}

// Next waits for what the plane tells.
func (k *Conn) Next() (Message, error) {
	m, _, err := k.next()
	return m, err
}

// Do sends a request and returns the answers. An error of the plane's is one with its
// errno, and with its words where it has some.
func (k *Conn) Do(req *nl.NetlinkRequest) ([]Message, error) {
	req.Flags |= unix.NLM_F_REQUEST
	dump := req.Flags&unix.NLM_F_DUMP == unix.NLM_F_DUMP && req.Flags&unix.NLM_F_CREATE == 0
	if !dump {
		req.Flags |= unix.NLM_F_ACK
	}
	if _, err := k.c.Write(req.Serialize()); err != nil {
		return nil, err
	}
	var all []Message
	for {
		m, seq, err := k.next()
		switch {
		case err != nil:
			return nil, err
		case seq != req.Seq: // told, not answered
		case m.Type == unix.NLMSG_DONE:
			return all, nil
		case m.Type == unix.NLMSG_ERROR:
			return all, failure(m.Data)
		default:
			all = append(all, m)
		}
	}
}

// failure reads a struct nlmsgerr, and the words behind it.
func failure(b []byte) error {
	if len(b) < 4+unix.NLMSG_HDRLEN {
		return errors.New("a cut acknowledgement")
	}
	errno := unix.Errno(-int32(binary.NativeEndian.Uint32(b)))
	if errno == 0 {
		return nil
	}
	rest := b[min(4+int(binary.NativeEndian.Uint32(b[4:])+3)&^3, len(b)):]
	if words, err := nl.ParseRouteAttr(rest); err == nil {
		for _, a := range words {
			if a.Attr.Type == unix.NLMSGERR_ATTR_MSG {
				return &Refused{errno, nl.BytesToString(a.Value)}
			}
		}
	}
	return &Refused{errno, ""}
}

// Refused is an error of the plane's.
type Refused struct {
	Errno unix.Errno
	Words string
}

// Error is what the plane says, or the errno's text.
func (r *Refused) Error() string {
	if r.Words != "" {
		return r.Words
	}
	return r.Errno.Error()
}

// Unwrap is the errno.
func (r *Refused) Unwrap() error { return r.Errno }
