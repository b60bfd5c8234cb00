// Package ss is `dataplane ss`: it lists the sockets of a running plane as ss of iproute2
// lists the kernel's. It is a client of the plane's sock_diag.
//
// It runs on the main goroutine.
package ss

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"dataplane/cmd/dataplane/nlclient"
)

// Options is what is listed, and how.
type Options struct {
	TCP, UDP   bool // neither: both
	Family     int  // AF_INET, AF_INET6 or 0
	Listening  bool
	All        bool
	Info       bool
	Memory     bool
	Timers     bool
	Process    bool
	Extended   bool
	NoHeader   bool
	Kill       bool // reset those that are shown
	Expression []string
	Out        io.Writer
}

// Usage is an error of the words.
type Usage struct{ error }

var native = binary.NativeEndian

// sizes of struct inet_diag_req_v2 and inet_diag_msg.
const (
	requestLen = 56
	answerLen  = 72
)

// sockDestroy is SOCK_DESTROY.
const sockDestroy = 21

// Attributes of an answer (INET_DIAG_*).
const (
	attrInfo  = 2
	attrCong  = 4
	attrSkMem = 7
	attrOnly6 = 11
)

// ask is struct inet_diag_req_v2.
type ask struct {
	family, protocol, ext uint8
	states                uint32
}

func (a *ask) Len() int { return requestLen }

func (a *ask) Serialize() []byte {
	b := make([]byte, requestLen)
	b[0], b[1], b[2] = a.family, a.protocol, a.ext
	native.PutUint32(b[4:], a.states)
	return b
}

// entry is a socket.
type entry struct {
	netid         string
	family        uint8
	state, timer  uint8
	retrans       uint8
	local, remote netip.AddrPort
	zone          uint32
	cookie        uint64
	id            []byte // struct inet_diag_sockid
	expires       time.Duration
	rx, tx, inode uint32
	info          []byte
	congestion    string
	memory        []byte
	both          bool // the wildcard is that of IPv4 too
}

// read reads struct inet_diag_msg and its attributes.
func read(netid string, b []byte) (*entry, error) {
	if len(b) < answerLen {
		return nil, errors.New("the plane sent a short message")
	}
	be := binary.BigEndian
	e := &entry{
		netid: netid, family: b[0], state: b[1], timer: b[2], retrans: b[3], zone: native.Uint32(b[40:]), cookie: native.Uint64(b[44:]),
		id: b[4:52], expires: time.Duration(native.Uint32(b[52:])) * time.Millisecond, rx: native.Uint32(b[56:]), tx: native.Uint32(b[60:]), inode: native.Uint32(b[68:]),
	}
	addr := func(b []byte) netip.Addr {
		if e.family == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b))
		}
		return netip.AddrFrom16([16]byte(b))
	}
	e.local = netip.AddrPortFrom(addr(b[8:24]), be.Uint16(b[4:]))
	e.remote = netip.AddrPortFrom(addr(b[24:40]), be.Uint16(b[6:]))
	list, err := nl.ParseRouteAttr(b[answerLen:])
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		switch a.Attr.Type {
		case attrInfo:
			e.info = a.Value
		case attrCong:
			e.congestion = nl.BytesToString(append(a.Value, 0))
		case attrSkMem:
			e.memory = a.Value
		case attrOnly6:
			e.both = len(a.Value) > 0 && a.Value[0] == 0
		}
	}
	return e, nil
}

// Run lists what o asks for.
func Run(k *nlclient.Conn, o Options) error {
	f, err := parse(o.Expression, &o)
	if err != nil {
		return err
	}
	var all []*entry
	for _, p := range []struct {
		netid  string
		number uint8
		on     bool
	}{{"udp", unix.IPPROTO_UDP, o.UDP || !o.TCP}, {"tcp", unix.IPPROTO_TCP, o.TCP || !o.UDP}} {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			if !p.on || o.Family != 0 && o.Family != int(family) {
				continue
			}
			some, err := list(k, p.netid, &ask{family, p.number, o.ext(), f.states})
			if err != nil {
				return err
			}
			for _, e := range some {
				if f.takes(e) && (!o.Kill || kill(k, p.number, e)) {
					all = append(all, e)
				}
			}
		}
	}
	print(&o, all, k.Peer())
	return nil
}

// destroy asks for one socket to be reset.
type destroy struct {
	ask
	id []byte
}

func (d *destroy) Serialize() []byte {
	b := d.ask.Serialize()
	copy(b[8:], d.id)
	return b
}

// kill resets a connection; false: it could not be.
func kill(k *nlclient.Conn, protocol uint8, e *entry) bool {
	req := nl.NewNetlinkRequest(sockDestroy, unix.NLM_F_ACK)
	req.AddData(&destroy{ask{e.family, protocol, 0, allStates}, e.id})
	_, err := k.Do(req)
	return err == nil
}

// ext is which attributes are wanted.
func (o *Options) ext() (bits uint8) {
	if o.Info {
		bits |= 1<<(attrInfo-1) | 1<<(attrCong-1)
	}
	if o.Memory {
		bits |= 1 << (attrSkMem - 1)
	}
	return bits
}

// list asks for the sockets of a transport and a family.
func list(k *nlclient.Conn, netid string, a *ask) (all []*entry, err error) {
	req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
	req.AddData(a)
	answers, err := k.Do(req)
	if err != nil {
		return nil, err
	}
	for _, m := range answers {
		e, err := read(netid, m.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
