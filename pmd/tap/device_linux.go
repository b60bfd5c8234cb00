package tap

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/pmd"
)

const tunPath = "/dev/net/tun"

// device is the kernel's object: its queues' descriptors and the kernel's side.
type device struct {
	name     string
	fds      []int
	hdrLen   int
	mtu      int
	offloads pmd.Offload
	created  bool
	control  int             // a socket for interface ioctls, in the device's namespace
	netlink  *netlink.Handle // likewise
	undo     []func() error  // what Close puts back, last first
}

// openDevice creates or attaches the device and sets up the kernel's side. On an
// error nothing is left behind.
func openDevice(cfg *config) (_ *device, err error) {
	d := &device{control: -1}
	defer func() {
		if err != nil {
			_ = d.close()
		}
	}()
	if d.netlink, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	if d.control, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	multi, err := d.examine(cfg)
	if err != nil {
		return nil, err
	}
	if err = d.openQueues(cfg, multi); err != nil {
		return nil, err
	}
	if err = d.negotiate(cfg); err != nil {
		return nil, err
	}
	link, err := d.netlink.LinkByName(d.name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	if bytes.Equal(link.Attrs().HardwareAddr, cfg.mac[:]) {
		return nil, fmt.Errorf("%s: MAC %s belongs to the kernel's side: give the plane another", d.name, net.HardwareAddr(cfg.mac[:]))
	}
	return d, d.setup(cfg, link)
}

// examine looks for a device of that name. It decides whether the device is to be
// created and opened with several queues, and refuses what cannot be attached.
func (d *device) examine(cfg *config) (multi bool, err error) {
	d.created = true
	if cfg.name == "" {
		return cfg.queues > 1, nil
	}
	link, err := d.netlink.LinkByName(cfg.name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return cfg.queues > 1, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", cfg.name, err)
	}
	d.created = false
	t, ok := link.(*netlink.Tuntap)
	if !ok {
		return false, fmt.Errorf("%s is no TAP device but of type %s: choose another name", cfg.name, link.Type())
	}
	if t.Mode != netlink.TUNTAP_MODE_TAP {
		return false, fmt.Errorf("%s is a TUN device, without Ethernet: `ip tuntap add %s mode tap` makes a TAP", cfg.name, cfg.name)
	}
	multi = t.Flags&netlink.TUNTAP_MULTI_QUEUE != 0
	if !multi && cfg.queues > 1 {
		return false, fmt.Errorf("%s has one queue, %d are asked for: use one, or make it with `ip tuntap add %s mode tap multi_queue`",
			cfg.name, cfg.queues, cfg.name)
	}
	if t.Queues+t.DisabledQueues > 0 {
		return false, fmt.Errorf("%s is in use by another program: %w", cfg.name, unix.EBUSY)
	}
	return multi, nil
}

// openQueues opens one descriptor for each queue.
func (d *device) openQueues(cfg *config, multi bool) error {
	flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if multi {
		flags |= unix.IFF_MULTI_QUEUE
	}
	d.name = cfg.name
	if d.name == "" {
		d.name = anyName
	}
	for i := range cfg.queues {
		f := flags
		if i == 0 && d.created {
			f |= unix.IFF_TUN_EXCL // somebody else may just have made it
		}
		fd, err := openQueue(d.name, f)
		if err != nil {
			return d.explain(err, cfg)
		}
		d.fds = append(d.fds, fd.fd)
		d.name = fd.name
	}
	return nil
}

// opened is one queue's descriptor and the name that the kernel gave its device.
type opened struct {
	fd   int
	name string
}

// openError tells a missing /dev/net/tun from a device that is refused.
type openError struct {
	atDevice bool
	err      error
}

func (e *openError) Error() string { return e.err.Error() }

func openQueue(name string, flags uint16) (opened, error) {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return opened{}, &openError{err: err}
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(flags)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return opened{}, &openError{atDevice: true, err: err}
	}
	return opened{fd: fd, name: req.Name()}, nil
}

// explain turns an errno into one line that says what to do.
func (d *device) explain(err error, cfg *config) error {
	var at *openError
	if !errors.As(err, &at) {
		return err
	}
	name := cfg.name
	if name == "" {
		name = "a new TAP device"
	}
	rights := "run as root, or have root run `ip tuntap add NAME mode tap user $USER` and give that NAME, or start in `unshare -rn`"
	switch {
	case !at.atDevice && (errors.Is(at.err, unix.ENOENT) || errors.Is(at.err, unix.ENODEV) || errors.Is(at.err, unix.ENXIO)):
		return fmt.Errorf("no %s: `modprobe tun`, or pass the device into the container (--device %s): %w", tunPath, tunPath, at.err)
	case !at.atDevice:
		return fmt.Errorf("cannot open %s: run as root, or let your user open it (`chmod 666 %s`): %w", tunPath, tunPath, at.err)
	case errors.Is(at.err, unix.EPERM) || errors.Is(at.err, unix.EACCES):
		return fmt.Errorf("no right to use %s: %s: %w", name, rights, at.err)
	case errors.Is(at.err, unix.EBUSY):
		return fmt.Errorf("%s is in use by another program: %w", name, at.err)
	case errors.Is(at.err, unix.E2BIG):
		return fmt.Errorf("%s cannot have %d queues: %w", name, cfg.queues, at.err)
	}
	return fmt.Errorf("%s: TUNSETIFF: %w", name, at.err)
}

// up reports whether the device is administratively up, whatever its name is now.
func (d *device) up() bool {
	if len(d.fds) == 0 {
		return false
	}
	req, err := unix.NewIfreq("")
	if err != nil || unix.IoctlIfreq(d.fds[0], unix.TUNGETIFF, req) != nil {
		return false
	}
	// The answer is in the same structure: name, then tun's flags, which the next
	// request overwrites.
	if unix.IoctlIfreq(d.control, unix.SIOCGIFFLAGS, req) != nil {
		return false
	}
	return req.Uint16()&unix.IFF_UP != 0
}
