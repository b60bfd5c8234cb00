package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"dataplane/api"
	"dataplane/cmd/dataplane/service"
	"dataplane/lcore"
	"dataplane/perf"
)

const (
	device    = "dp0"
	planeNet  = "10.9.0.2/24"
	kernelNet = "10.9.0.1/24"
	planeNet6 = "fd00:9::2/64"
	hostNet6  = "fd00:9::1/64"
	drain     = time.Second
)

// lab is what the demo set up.
type lab struct {
	cfg      Config
	why      string // there is no TAP; "" where there is one
	link     string
	plane    *api.Net
	peer     peer
	addr     netip.Addr // of the plane
	addr6    netip.Addr // of the plane; invalid on a wire
	peerAddr netip.Addr
	services *service.Set
	buffers  int
	report   report
	hists    []named
}

// named is a histogram to be drawn at the end.
type named struct {
	name string
	hist *perf.Hist
}

// peer is the other end of the link.
type peer interface {
	service.Network
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	Close() error
	name() string
	describe() string
}

// open starts the plane, its services and its peer.
func open(cfg Config, why string) (*lab, error) {
	l := &lab{cfg: cfg, why: why, report: report{w: cfg.Out}}
	if !cfg.Wire {
		l.openTAP()
	}
	if l.plane == nil {
		if err := l.openWire(); err != nil {
			return nil, err
		}
	}
	_, l.buffers = l.plane.Buffers()
	var specs []service.Spec
	for _, name := range service.Names() {
		specs = append(specs, service.Spec{Name: name})
	}
	var err error
	l.services, err = service.Start(l.plane, specs, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, l.plane.Close(), l.peer.Close())
	}
	return l, nil
}

// openTAP leaves l.plane nil when there is no TAP, and says why.
func (l *lab) openTAP() {
	n, err := api.Open(api.Config{Ports: []api.Port{{
		Driver: "tap", Device: device, Addrs: []netip.Prefix{netip.MustParsePrefix(planeNet), netip.MustParsePrefix(planeNet6)},
		Options: map[string]string{"host-addr": kernelNet + "," + hostNet6}, Optimistic: true, // nobody else is there
	}}})
	if err != nil {
		l.why = "no TAP: " + err.Error()
		return
	}
	l.plane, l.peer = n, kernel{}
	l.link = "on TAP " + device + ", in a network namespace of its own"
	l.addr, l.addr6 = netip.MustParsePrefix(planeNet).Addr(), netip.MustParsePrefix(planeNet6).Addr()
	l.peerAddr = netip.MustParsePrefix(kernelNet).Addr()
}

func (l *lab) openWire() error {
	mode, _ := lcore.ChooseMode(2) // each plane would think that the CPUs are its own
	a, b, err := api.Pipe(api.Config{Mode: mode}, api.Config{Mode: mode})
	if err != nil {
		return err
	}
	l.peer, l.plane = second{a}, b
	l.link = "on one end of an in-memory wire"
	l.peerAddr, l.addr = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	return nil
}

// close ends everything. An error names leaked buffers.
func (l *lab) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	l.services.Stop(ctx)
	return errors.Join(l.plane.Close(), l.peer.Close())
}

// at is the plane's address with a port.
func (l *lab) at(port uint16) string { return netip.AddrPortFrom(l.addr, port).String() }

// client returns an HTTP client of the peer's. Close its idle connections.
func (l *lab) client(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64}}
}

// kernel is Linux, in the namespace that we are in.
type kernel struct{}

func (kernel) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (kernel) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

func (kernel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (kernel) Close() error     { return nil }
func (kernel) name() string     { return "Linux" }
func (kernel) describe() string { return "Linux: its own ping, TCP and UDP, Go's net/http over them" }

// second is a second plane.
type second struct{ *api.Net }

func (second) name() string     { return "client" }
func (second) describe() string { return "a second plane in this process" }
