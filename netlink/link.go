package netlink

import (
	"fmt"
	"syscall"
)

// Attributes of a link (IFLA_*) and of what is nested in it.
const (
	linkAddress    = 1
	linkBroadcast  = 2
	linkName       = 3
	linkMTU        = 4
	linkQdisc      = 6
	linkStats      = 7
	linkTxQLen     = 13
	linkOperState  = 16
	linkMode       = 17
	linkInfo       = 18
	linkStats64    = 23
	linkGroup      = 27
	linkPromisc    = 30
	linkTxQueues   = 31
	linkRxQueues   = 32
	linkCarrier    = 33
	linkMinMTU     = 50
	linkMaxMTU     = 51
	linkInfoKind   = 1
	ifinfoLen      = 16 // struct ifinfomsg
	minMTU         = 68
	operUnknown    = 0
	operDown       = 2
	operUp         = 6
	arphrdEther    = 1
	arphrdLoopback = 772
)

// Flags of a link (IFF_*).
const (
	iffUp        = 0x1
	iffBroadcast = 0x2
	iffLoopback  = 0x8
	iffRunning   = 0x40
	iffNoARP     = 0x80
	iffMulticast = 0x1000
	iffLowerUp   = 0x10000
)

// Flags are those of the link (IFF_*), as ip shows them.
func (l *Link) Flags() uint32 {
	f := uint32(iffBroadcast | iffMulticast)
	if l.Loopback {
		f = iffLoopback
	}
	if l.NoARP && !l.Loopback {
		f |= iffNoARP
	}
	if l.Up {
		f |= iffUp
	}
	if l.Up && l.Running {
		f |= iffRunning | iffLowerUp
	}
	return f
}

// putLink appends a message about a link.
func putLink(w *writer, typ, flags uint16, l *Link, o *origin) {
	hw, oper, carrier := uint16(arphrdEther), uint8(operDown), uint8(0)
	switch {
	case l.Loopback:
		hw, oper, carrier = arphrdLoopback, operUnknown, 1
	case l.Up && l.Running:
		oper, carrier = operUp, 1
	case l.Running:
		carrier = 1
	}
	w.begin(typ, flags, o.seq, o.id)
	w.u8(0, 0)
	w.u16(hw)
	w.u32(uint32(l.Index))
	w.u32(l.Flags())
	w.u32(0)
	w.attrText(linkName, l.Name)
	w.attr32(linkTxQLen, 1000)
	w.attr8(linkOperState, oper)
	w.attr8(linkMode, 0)
	w.attr32(linkMTU, uint32(l.MTU))
	w.attr32(linkMinMTU, minMTU)
	w.attr32(linkMaxMTU, uint32(l.MaxMTU))
	w.attr32(linkGroup, 0)
	w.attr32(linkPromisc, 0)
	w.attr32(linkTxQueues, uint32(l.Queues))
	w.attr32(linkRxQueues, uint32(l.Queues))
	w.attr8(linkCarrier, carrier)
	w.attrText(linkQdisc, "noqueue")
	w.attr(linkAddress, l.MAC[:])
	all := [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	if l.Loopback {
		all = [6]byte{}
	}
	w.attr(linkBroadcast, all[:])
	putStats(w, &l.Stats)
	if l.Kind != "" && !l.Loopback {
		at := w.nest(linkInfo)
		w.attrText(linkInfoKind, l.Kind)
		w.close(at)
	}
	w.end()
}

// putStats appends struct rtnl_link_stats64, and the older one with 32 bits.
func putStats(w *writer, s *Stats) {
	all := [24]uint64{s.RxPackets, s.TxPackets, s.RxBytes, s.TxBytes, s.RxErrors, s.TxErrors, s.RxDropped, 0}
	all[15] = s.RxNoBuffers // rx_missed_errors
	var long, short writer
	for i, v := range all {
		long.u64(v)
		if i < len(all)-1 { // rx_otherhost_dropped is of the long one alone
			short.u32(uint32(v))
		}
	}
	w.attr(linkStats64, append(long.b, 0, 0, 0, 0, 0, 0, 0, 0)[:25*8])
	w.attr(linkStats, append(short.b, 0, 0, 0, 0)[:24*4])
}

// getLinks answers RTM_GETLINK for all.
func (r *request) getLinks() func(*writer) bool {
	all, o := r.f.plane.Links(), r.origin()
	return func(w *writer) bool {
		if len(all) == 0 {
			return false
		}
		putLink(w, rtmNewLink, flagMulti, &all[0], &o)
		all = all[1:]
		return true
	}
}

// oneLink finds the link that a message of ifinfomsg is about.
func (r *request) oneLink() (*Link, *attrs, error) {
	if len(r.data) < ifinfoLen {
		return nil, nil, syscall.EINVAL
	}
	var a attrs
	a.parse(r.data[ifinfoLen:])
	index, name := int(int32(native.Uint32(r.data[4:]))), a.text(linkName)
	if len(name) > nameLen {
		return nil, nil, syscall.ERANGE
	}
	if index <= 0 && name == "" {
		return nil, nil, syscall.EINVAL
	}
	all := r.f.plane.Links()
	for i := range all {
		if index > 0 && all[i].Index == index || index <= 0 && all[i].Name == name {
			return &all[i], &a, nil
		}
	}
	return nil, &a, syscall.ENODEV
}

// getLink answers RTM_GETLINK for one.
func (r *request) getLink() error {
	l, _, err := r.oneLink()
	if err != nil {
		return err
	}
	var w writer
	o := r.origin()
	putLink(&w, rtmNewLink, 0, l, &o)
	r.reply(&w)
	return nil
}

// setLink serves RTM_SETLINK, and RTM_NEWLINK for a link that exists.
func (r *request) setLink() error {
	l, a, err := r.oneLink()
	if err != nil {
		if err == syscall.ENODEV && r.Type == rtmNewLink && r.Flags&flagCreate != 0 {
			return fmt.Errorf("netlink: links come with the ports of the configuration: %w", syscall.EOPNOTSUPP)
		}
		return err
	}
	if r.Type == rtmNewLink && r.Flags&flagExcl != 0 {
		return syscall.EEXIST
	}
	for typ := range a {
		switch {
		case a[typ] == nil, typ == linkMTU, typ == linkName && a.text(linkName) == l.Name, typ == 29: // IFLA_EXT_MASK
		default:
			return fmt.Errorf("netlink: attribute %d of a link cannot be changed: %w", typ, syscall.EOPNOTSUPP)
		}
	}
	var c LinkChange
	if mtu, ok := a.u32(linkMTU); ok {
		if mtu < minMTU || int64(mtu) > int64(l.MaxMTU) {
			return fmt.Errorf("netlink: MTU %d of %s is out of range %d-%d: %w", mtu, l.Name, minMTU, l.MaxMTU, syscall.EINVAL)
		}
		c.MTU = int(mtu)
	}
	flags, mask := native.Uint32(r.data[8:]), native.Uint32(r.data[12:])
	if mask == 0 && flags != 0 { // as before there was a mask
		mask = 0xffffffff
	}
	if mask&iffUp != 0 {
		up := flags&iffUp != 0
		c.Up = &up
	}
	return r.f.plane.SetLink(l.Index, c)
}
