// Command family adds an address family to a plane: its sockets give back, backwards,
// what was sent to them. Nothing is needed to run it.
package main

import (
	"fmt"
	"log"
	"slices"

	"dataplane/api"
	"dataplane/sock"
)

// afMirror is a number that Linux had for a family which is gone (AF_ECONET).
const afMirror = 19

// mirror makes the sockets of the family (Linux: struct net_proto_family).
type mirror struct{ plane *api.Net }

// Family returns the number.
func (mirror) Family() int { return afMirror }

// Create makes a socket: only datagrams, and no protocols.
func (f mirror) Create(typ, protocol int) (*sock.Socket, error) {
	if err := sock.Only(typ, protocol, sock.TypeDgram); err != nil {
		return nil, err
	}
	s := sock.NewSocket(afMirror, typ, protocol, ops{})
	s.Localize(f.plane.Tasks())
	q := new(sock.Local)
	q.Init(s, 64<<10, 100)
	s.Private = q
	return s, nil
}

// ops are the calls that have a meaning (struct proto_ops); NoOps refuses the others.
type ops struct{ sock.NoOps }

// SendMsg puts the message, backwards, where it will be read.
func (ops) SendMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	q, b := s.Private.(*sock.Local), slices.Clone(m.Buf)
	slices.Reverse(b)
	for !q.Fits(len(b)) {
		if err := q.WaitRoom(s, len(b), m.Flags, true); err != nil {
			return 0, err
		}
	}
	return len(b), q.Put(&sock.Parcel{}, b)
}

// RecvMsg takes the oldest message, or waits for one.
func (ops) RecvMsg(s *sock.Socket, m *sock.Msg) (int, error) {
	q := s.Private.(*sock.Local)
	for {
		if p, ok := q.Next(); ok {
			n := q.Show(&p, m.Buf)
			if m.Flags&sock.MsgPeek == 0 {
				q.Drop(&p)
			}
			m.Len, m.Flags = p.Len, 0
			return n, nil
		}
		if err := s.Rd.Wait(m.Flags, func() bool { return q.Messages() > 0 }); err != nil {
			return 0, err
		}
	}
}

func main() {
	plane, err := api.Open(api.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer plane.Close()
	fmt.Println(ask(plane, "stressed"))
}

// ask registers the family and uses it with the calls of BSD.
func ask(plane *api.Net, text string) (string, error) {
	if err := plane.RegisterFamily(mirror{plane}); err != nil {
		return "", err
	}
	defer plane.UnregisterFamily(afMirror)
	u := plane.Posix()
	fd, err := u.Socket(afMirror, sock.TypeDgram, 0)
	if err != nil {
		return "", err
	}
	defer u.Close(fd)
	if _, err := u.Write(fd, []byte(text)); err != nil {
		return "", err
	}
	b := make([]byte, len(text))
	n, err := u.Read(fd, b)
	return string(b[:max(n, 0)]), err
}
