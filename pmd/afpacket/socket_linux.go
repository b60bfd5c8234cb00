package afpacket

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/sys/unix"

	"dataplane/pmd"
)

const (
	socketBuffer = 16 << 20 // bytes of frames that do not fit a slot, and of frames to be sent
	blockSize    = 64 << 10 // what the kernel allocates the ring in
	slotMax      = 16 << 10 // longer frames wait in the socket
	// slotHead is what lies before the frame in a slot: struct tpacket2_hdr and a
	// sockaddr_ll, aligned, the virtio-net header (tpacket_rcv in af_packet.c), and
	// some bytes to spare.
	slotHead = 96
)

var fanoutTypes = map[string]int{
	"hash": unix.PACKET_FANOUT_HASH, "cpu": unix.PACKET_FANOUT_CPU, "qm": unix.PACKET_FANOUT_QM, "lb": unix.PACKET_FANOUT_LB,
}

// openSockets returns one socket, with its ring, for each queue. They refuse all
// frames until the port starts. On an error none is left open.
func openSockets(c *config, i *iface) (socks []*ring, err error) {
	defer func() {
		if err != nil {
			for _, r := range socks {
				_ = r.close()
			}
		}
	}()
	for len(socks) < c.queues {
		r, err := openSocket(c, i)
		if err != nil {
			return socks, fmt.Errorf("%s: queue %d: %w", i.name, len(socks), err)
		}
		socks = append(socks, r)
	}
	if len(socks) > 1 {
		if err := fanout(socks, fanoutTypes[c.fanout]); err != nil {
			return socks, fmt.Errorf("%s: %d queues by fanout=%s: %w", i.name, c.queues, c.fanout, err)
		}
	}
	return socks, nil
}

func openSocket(c *config, i *iface) (_ *ring, err error) {
	// Protocol 0: nothing is received before it is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("no right to packet sockets (CAP_NET_RAW): run as root, or `setcap cap_net_raw+ep` the program, "+
			"or give the container --cap-add NET_RAW: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	r := &ring{fd: fd}
	defer func() {
		if err != nil {
			_ = r.close()
		}
	}()
	if err = setOptions(fd, c, i); err != nil {
		return nil, err
	}
	if err = r.create(c.slots, slotSize(i.mtu)); err != nil {
		return nil, fmt.Errorf("a ring of %d slots of %d bytes: %w: try a smaller one with the option ring", c.slots, slotSize(i.mtu), err)
	}
	if err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: i.index}); err != nil {
		return nil, fmt.Errorf("bind: %w", err)
	}
	return r, nil
}

// setOptions sets what must be set before the ring is made, and the rest with it.
func setOptions(fd int, c *config, i *iface) error {
	for _, o := range []struct {
		name     string
		opt, val int
	}{
		{"PACKET_VERSION", unix.PACKET_VERSION, unix.TPACKET_V2},
		{"PACKET_VNET_HDR", unix.PACKET_VNET_HDR, 1},
		{"PACKET_COPY_THRESH", unix.PACKET_COPY_THRESH, 1},
		{"PACKET_QDISC_BYPASS", unix.PACKET_QDISC_BYPASS, one(c.bypass)},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, o.opt, o.val); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
	}
	// Linux 4.20 and later; the filter does the same at a higher price.
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	if i.promiscuous(c) {
		m := unix.PacketMreq{Ifindex: int32(i.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("promiscuous mode: %w", err)
		}
	}
	if err := attach(fd, refuseAll); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	// Beyond net.core.rmem_max with CAP_NET_ADMIN only; less means that fewer long
	// frames can wait.
	for _, o := range [][2]int{{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}, {unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[0], socketBuffer) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, o[1], socketBuffer)
		}
	}
	return nil
}

// fanout spreads what the interface receives over the sockets. The group's number
// is the kernel's choice, so that nobody else's group is joined.
func fanout(socks []*ring, kind int) error {
	kind |= unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	err := join(socks[0].fd, 0, kind|unix.PACKET_FANOUT_FLAG_UNIQUEID)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.19; the filter does it
		kind &^= unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
		err = join(socks[0].fd, 0, kind|unix.PACKET_FANOUT_FLAG_UNIQUEID)
	}
	if err != nil {
		return err
	}
	id, err := unix.GetsockoptInt(socks[0].fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	for _, r := range socks[1:] {
		if err == nil {
			err = join(r.fd, id&0xffff, kind)
		}
	}
	return err
}

func join(fd, id, kind int) error {
	return unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, id|kind<<16)
}

// slotSize is room for a frame of the MTU, in an odd number of cache lines, so that
// the beginnings of the slots spread over all sets of the cache.
func slotSize(mtu int) int {
	lines := (slotHead + mtu + pmd.Overhead + 63) / 64
	return min((lines|1)*64, slotMax)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bigEndian returns n as the network writes it.
func bigEndian(n uint16) uint16 {
	if native.Uint16([]byte{0, 1}) == 1 {
		return n
	}
	return bits.ReverseBytes16(n)
}
