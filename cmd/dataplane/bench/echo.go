package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"dataplane/api"
	"dataplane/cmd/dataplane/config"
	"dataplane/cmd/dataplane/service"
)

// kernelNet is package net as a service.Network.
type kernelNet struct{}

func (kernelNet) Listen(network, address string) (net.Listener, error) {
	return net.Listen(network, address)
}

func (kernelNet) ListenPacket(network, address string) (net.PacketConn, error) {
	return net.ListenPacket(network, address)
}

// Echo is a server for the others to measure.
type Echo struct {
	set   *service.Set
	tasks io.Closer
	plane *config.Plane
	what  string
}

// StartEcho listens at address, with TCP and UDP. plan is nil for the kernel's
// sockets; resident is for a plane.
func StartEcho(address string, plan *config.Plan, resident bool, log *slog.Logger) (*Echo, error) {
	spec, err := service.Check(service.Spec{Name: "echo", Address: address})
	if err != nil {
		return nil, err
	}
	if plan == nil {
		set, err := service.Start(kernelNet{}, []service.Spec{spec}, log)
		return &Echo{set: set, what: fmt.Sprint("kernel sockets; ", set)}, err
	}
	pl, err := plan.Open(log)
	if err != nil {
		return nil, err
	}
	e := &Echo{plane: pl}
	if resident {
		e.tasks, err = serveEcho(pl.Net, spec.Address, true)
		e.what = fmt.Sprintf("%v; resident echo %s", pl, spec.Address)
	} else {
		e.set, err = service.Start(pl, []service.Spec{spec}, log)
		e.what = fmt.Sprintf("%v; %v", pl, e.set)
	}
	if err != nil {
		return nil, errors.Join(err, pl.Close())
	}
	return e, nil
}

// String says what runs where.
func (e *Echo) String() string { return e.what }

// Close ends the server, and its plane.
func (e *Echo) Close() error {
	if e.set != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // a measurement has nothing to finish
		e.set.Stop(ctx)
	}
	var err error
	if e.tasks != nil {
		err = e.tasks.Close()
	}
	if e.plane != nil {
		err = errors.Join(err, e.plane.Close())
	}
	return err
}

// serveEcho echoes on n, with TCP and UDP, by resident tasks or goroutines.
func serveEcho(n *api.Net, address string, resident bool) (io.Closer, error) {
	l, err := n.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	p, err := n.ListenPacket("udp", address)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	packets := func() { echoPackets(p.(*api.UDPConn)) }
	if !resident {
		go echoStreams(l)
		go packets()
		return closers{l, p}, nil
	}
	go l.(*api.TCPListener).ServeResident(echoStream) //nolint:errcheck // until l is closed
	if err := n.GoResident(0, packets); err != nil {
		return nil, errors.Join(err, l.Close(), p.Close())
	}
	return closers{l, p}, nil
}

func echoStreams(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go echoStream(c)
	}
}

func echoStream(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func echoPackets(c *api.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			c.WriteToUDPAddrPort(buf[:n], from) //nolint:errcheck // then it is lost
		}
	}
}
