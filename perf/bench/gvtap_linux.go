package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	vnetLen    = 10       // struct virtio_net_hdr
	maxFrame   = 64 << 10 // what the kernel hands over at once, less its headers
	smallFrame = 2048     // is copied, so that the big buffer can be used again
	needsCsum  = 1
	gsoTCPv4   = 1
)

// tapLink is a link endpoint of gVisor's on a TAP with virtio-net headers. Its own
// fdbased endpoint refuses GSO on anything but a socket, and its TUN device has
// none, so this gives it what a TAP has to offer: segmentation and checksums by
// the kernel in both directions, one system call for each frame, no thread
// blocked in a read.
type tapLink struct {
	fd   int
	file *os.File
	raw  syscall.RawConn
	mac  tcpip.LinkAddress
	done sync.WaitGroup
	sent atomic.Uint64 // written by whoever sends
	got  atomic.Uint64 // written by the reader

	mu       sync.RWMutex
	dispatch stack.NetworkDispatcher
}

var (
	_ stack.LinkEndpoint = (*tapLink)(nil)
	_ stack.GSOEndpoint  = (*tapLink)(nil)
)

// openTAP makes a device of the same kind as the plane's own driver does.
func openTAP(name string, host string) (*tapLink, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, fmt.Errorf("TUNSETIFF: %w", err)
	}
	offloads := unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads); err != nil {
		return nil, fmt.Errorf("TUNSETOFFLOAD: %w", err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	addr, err := netlink.ParseAddr(host)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(netlink.AddrAdd(link, addr), netlink.LinkSetUp(link)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	l := &tapLink{fd: fd, mac: "\x02\x00\x00\x00\x07\x01", file: os.NewFile(uintptr(fd), name)}
	l.raw, err = l.file.SyscallConn()
	return l, err
}

func (l *tapLink) MTU() uint32             { return 1500 }
func (l *tapLink) SetMTU(uint32)           {}
func (l *tapLink) MaxHeaderLength() uint16 { return header.EthernetMinimumSize }
func (l *tapLink) Wait()                   { l.done.Wait() }
func (l *tapLink) Close()                  { l.file.Close() }
func (l *tapLink) SetOnCloseAction(func()) {}
func (l *tapLink) GSOMaxSize() uint32      { return maxFrame }

func (l *tapLink) LinkAddress() tcpip.LinkAddress          { return l.mac }
func (l *tapLink) SetLinkAddress(tcpip.LinkAddress)        {}
func (l *tapLink) SupportedGSO() stack.SupportedGSO        { return stack.HostGSOSupported }
func (l *tapLink) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }

func (l *tapLink) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityRXChecksumOffload | stack.CapabilityResolutionRequired
}

// Attach starts the reader.
func (l *tapLink) Attach(d stack.NetworkDispatcher) {
	l.mu.Lock()
	first := l.dispatch == nil && d != nil
	l.dispatch = d
	l.mu.Unlock()
	if first {
		l.done.Go(l.read)
	}
}

func (l *tapLink) IsAttached() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.dispatch != nil
}

func (l *tapLink) AddHeader(pkt *stack.PacketBuffer) {
	header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize)).Encode(&header.EthernetFields{
		SrcAddr: pkt.EgressRoute.LocalLinkAddress,
		DstAddr: pkt.EgressRoute.RemoteLinkAddress,
		Type:    pkt.NetworkProtocolNumber,
	})
}

func (l *tapLink) ParseHeader(pkt *stack.PacketBuffer) bool {
	_, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	return ok
}

// WritePackets sends each packet by one writev. A TAP never refuses for long:
// the kernel works the frame off in the call.
func (l *tapLink) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	var vnet [vnetLen]byte
	var parts [8][]byte
	for i, pkt := range pkts.AsSlice() {
		describe(vnet[:], pkt)
		iov := append(append(parts[:0], vnet[:]), pkt.AsSlices()...)
		if _, err := unix.Writev(l.fd, iov); err != nil {
			return i, &tcpip.ErrNoBufferSpace{}
		}
	}
	l.sent.Add(uint64(pkts.Len()))
	return pkts.Len(), nil
}

// describe fills in the virtio-net header as gVisor's fdbased endpoint does.
func describe(h []byte, pkt *stack.PacketBuffer) {
	clear(h)
	g := &pkt.GSOOptions
	if g.Type == stack.GSONone {
		return
	}
	binary.NativeEndian.PutUint16(h[2:], uint16(pkt.HeaderSize()))
	if g.NeedsCsum {
		h[0] = needsCsum
		binary.NativeEndian.PutUint16(h[6:], header.EthernetMinimumSize+g.L3HdrLen)
		binary.NativeEndian.PutUint16(h[8:], g.CsumOffset)
	}
	if pkt.Data().Size() > int(g.MSS) {
		h[1] = gsoTCPv4
		binary.NativeEndian.PutUint16(h[4:], g.MSS)
	}
}

// read delivers frames until the device is closed. The first slice that is read
// into takes the virtio-net header, so that the packet needs no cutting.
func (l *tapLink) read() {
	var vnet [vnetLen]byte
	view := buffer.NewViewSize(maxFrame + header.EthernetMinimumSize)
	iov := [][]byte{vnet[:], view.AsSlice()}
	for {
		var n int
		var errno error
		err := l.raw.Read(func(fd uintptr) bool {
			n, errno = unix.Readv(int(fd), iov)
			return errno != unix.EAGAIN
		})
		if err != nil || errno != nil {
			view.Release()
			return
		}
		if n <= vnetLen {
			continue
		}
		l.got.Add(1)
		n -= vnetLen
		payload := view
		if n <= smallFrame {
			payload = buffer.NewViewWithData(view.AsSlice()[:n])
		} else {
			payload.CapLength(n)
			view = buffer.NewViewSize(maxFrame + header.EthernetMinimumSize)
			iov[1] = view.AsSlice()
		}
		l.deliver(payload)
	}
}

func (l *tapLink) deliver(v *buffer.View) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(v)})
	defer pkt.DecRef()
	l.mu.RLock()
	d := l.dispatch
	l.mu.RUnlock()
	h, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	if !ok || d == nil {
		return
	}
	eth := header.Ethernet(h)
	if to := eth.DestinationAddress(); to != l.mac && to[0]&1 == 0 {
		return
	}
	d.DeliverNetworkPacket(eth.Type(), pkt)
}

// gvisorTAP dials the kernel over a TAP device of the same kind as the plane's.
func gvisorTAP(dir byte) (*subject, error) {
	if _, err := theKernel(); err != nil {
		return nil, err
	}
	net3 := tapNet(dir, 1)
	link, err := openTAP(fmt.Sprintf("gvisor%c", dir), net3.host.String()+"/24")
	if err != nil {
		return nil, err
	}
	s, err := newGvisor(link, tcpip.AddrFrom4(net3.peer.As4()), 24, arp.NewProtocol)
	if err != nil {
		return nil, err
	}
	to := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(net3.host.As4()), Port: kernelPort}
	c, err := gonet.DialContextTCP(context.Background(), s, to, ipv4.ProtocolNumber)
	if err != nil {
		return nil, err
	}
	packets := func() uint64 { return link.sent.Load() + link.got.Load() }
	return &subject{load: &bulk{conn: c, dir: dir, write: chunk}, packets: packets, close: func() error {
		c.Close()
		return gvisors{{s, link}}.close()
	}}, nil
}
