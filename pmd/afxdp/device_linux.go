package afxdp

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// device is the kernel's interface.
type device struct {
	name     string
	index    int
	kind     string // "veth", "device" for a card, ...
	mtu      int
	mac      [6]byte
	channels int // receive queues that frames can come on
	control  int // a socket for questions, in the interface's namespace
	promisc  int // a packet socket that keeps the interface promiscuous, or -1
	raised   bool
}

// findDevice looks the interface up in the namespace of the calling thread.
func findDevice(name string) (*device, error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		var missing netlink.LinkNotFoundError
		if errors.As(err, &missing) {
			return nil, fmt.Errorf("no such interface; there are: %s", interfaces())
		}
		return nil, fmt.Errorf("look it up: %w", err)
	}
	a := l.Attrs()
	if len(a.HardwareAddr) != 6 || a.Flags&net.FlagLoopback != 0 {
		return nil, fmt.Errorf("is no Ethernet interface (%s)", a.EncapType)
	}
	if a.Xdp != nil && a.Xdp.Attached {
		return nil, fmt.Errorf("an XDP program is attached already (id %d, see `bpftool prog`): end what put it there, or `ip link set dev %s xdp off`", a.Xdp.ProgId, name)
	}
	d := &device{name: name, index: a.Index, kind: l.Type(), mtu: a.MTU, promisc: -1}
	copy(d.mac[:], a.HardwareAddr)
	if d.control, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	d.channels = d.countChannels(a.NumRxQueues)
	return d, nil
}

// interfaces lists what there is, for an error.
func interfaces() string {
	all, err := net.Interfaces()
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	if names == nil {
		return "none but the loopback"
	}
	return strings.Join(names, ", ")
}

// countChannels returns how many receive queues are in use, by ethtool; drivers
// without channels have all that the interface was made with.
func (d *device) countChannels(made int) int {
	ch := struct {
		cmd                                    uint32
		maxRx, maxTx, maxOther, maxCombined    uint32
		rxCount, txCount, otherCount, combined uint32
	}{cmd: unix.ETHTOOL_GCHANNELS}
	if err := ethtool(d.control, d.name, &ch); err != nil {
		return max(made, 1)
	}
	return max(int(ch.rxCount+ch.combined), 1)
}

// checkQueues refuses more queues than there are.
func (d *device) checkQueues(n int) error {
	if n <= d.channels {
		return nil
	}
	how := fmt.Sprintf("`ethtool -L %s combined %d`", d.name, n)
	if d.kind == "veth" {
		how = fmt.Sprintf("make it with numrxqueues %d numtxqueues %d (both ends), or `ethtool -L %s rx %d tx %d`", n, n, d.name, n, n)
	}
	return fmt.Errorf("%d queues, but the interface has %d channels: %s", n, d.channels, how)
}

// raise brings the interface up if it is down, and lets it receive frames for mac.
func (d *device) raise(mac [6]byte) error {
	l, err := netlink.LinkByIndex(d.index)
	if err != nil {
		return fmt.Errorf("look it up: %w", err)
	}
	if l.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(l); err != nil {
			return explain("set the interface up", err)
		}
		d.raised = true
	}
	if mac == d.mac {
		return nil
	}
	// A membership goes with its socket, however the process ends.
	if d.promisc, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return explain("open a packet socket", err)
	}
	mreq := unix.PacketMreq{Ifindex: int32(d.index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(d.promisc, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &mreq); err != nil {
		return explain("make the interface promiscuous for another MAC", err)
	}
	return nil
}

// up reports whether the interface is up and has a carrier. Any goroutine.
func (d *device) up() bool {
	req, err := unix.NewIfreq("")
	if err != nil {
		return false
	}
	req.SetUint32(uint32(d.index)) // the name may have changed, or be another's
	if unix.IoctlIfreq(d.control, unix.SIOCGIFNAME, req) != nil {
		return false
	}
	v := struct{ cmd, data uint32 }{cmd: unix.ETHTOOL_GLINK}
	if ethtool(d.control, req.Name(), &v) == nil {
		return v.data != 0
	}
	return unix.IoctlIfreq(d.control, unix.SIOCGIFFLAGS, req) == nil && req.Uint16()&unix.IFF_RUNNING != 0
}

// close puts the interface back as it was.
func (d *device) close() error {
	var errs []error
	if d.promisc >= 0 {
		errs = append(errs, unix.Close(d.promisc))
		d.promisc = -1
	}
	if d.raised {
		d.raised = false
		if l, err := netlink.LinkByIndex(d.index); err == nil { // else it is gone
			errs = append(errs, netlink.LinkSetDown(l))
		}
	}
	if d.control >= 0 {
		errs = append(errs, unix.Close(d.control))
		d.control = -1
	}
	return errors.Join(errs...)
}
