// Package service holds the servers that the command starts on a plane: http,
// echo, discard and iperf3. They know nothing of the plane beyond Network, so
// they run over package net just as well.
//
// Everything here runs on ordinary goroutines.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"dataplane/cmd/dataplane/service/iperf3"
)

// Network is what a service needs of a network. *api.Net is one.
type Network interface {
	Listen(network, address string) (net.Listener, error)
	ListenPacket(network, address string) (net.PacketConn, error)
}

// Spec names a service and where it listens. An Address is "host:port", ":port"
// or "port"; "" is the service's usual port on every address.
type Spec struct{ Name, Address string }

// server is one running service.
type server interface {
	// addrs returns where it listens.
	addrs() []net.Addr
	// stop ends it. Work in progress may go on until ctx is done.
	stop(ctx context.Context)
}

// kind is one sort of service.
type kind struct {
	name  string
	port  string // the usual one
	start func(n Network, address string, log *slog.Logger) (server, error)
}

// kinds lists the services there are.
func kinds() []kind {
	return []kind{
		{"http", "80", startHTTP},
		{"echo", "7", startEcho},
		{"discard", "9", startDiscard},
		{"iperf3", "5201", startIperf3},
	}
}

// Names returns the services there are.
func Names() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Check reports what is wrong with s, and returns it with its full address.
func Check(s Spec) (Spec, error) {
	i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == s.Name })
	if i < 0 {
		return s, fmt.Errorf("unknown service %q (known: %s)", s.Name, strings.Join(Names(), ", "))
	}
	switch {
	case s.Address == "":
		s.Address = ":" + kinds()[i].port
	case !strings.Contains(s.Address, ":"):
		s.Address = ":" + s.Address
	}
	_, port, err := net.SplitHostPort(s.Address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return s, fmt.Errorf("service %s: %q is no port and no address:port", s.Name, strings.TrimPrefix(s.Address, ":"))
	}
	return s, nil
}

// Set is a group of running services.
type Set struct {
	names   []string
	servers []server
}

// Start starts services on n; on an error none is left running.
func Start(n Network, specs []Spec, log *slog.Logger) (*Set, error) {
	s := &Set{}
	for _, spec := range specs {
		spec, err := Check(spec)
		if err != nil {
			return nil, s.abort(err)
		}
		i := slices.IndexFunc(kinds(), func(k kind) bool { return k.name == spec.Name })
		srv, err := kinds()[i].start(n, spec.Address, log.With("service", spec.Name))
		if err != nil {
			return nil, s.abort(fmt.Errorf("service %s: %w", spec.Name, err))
		}
		s.names = append(s.names, spec.Name)
		s.servers = append(s.servers, srv)
	}
	return s, nil
}

// abort stops what was started, at once.
func (s *Set) abort(err error) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Stop(ctx)
	return err
}

// Stop ends all services; work in progress may go on until ctx is done.
func (s *Set) Stop(ctx context.Context) {
	done := make(chan struct{})
	for _, srv := range s.servers {
		go func() { srv.stop(ctx); done <- struct{}{} }()
	}
	for range s.servers {
		<-done
	}
	s.servers, s.names = nil, nil
}

// Addrs returns where the service called name listens, nil if it does not run.
func (s *Set) Addrs(name string) []net.Addr {
	var all []net.Addr
	for i, n := range s.names {
		if n == name {
			all = append(all, s.servers[i].addrs()...)
		}
	}
	return all
}

// String lists the services and their addresses: "http :80, echo :7".
func (s *Set) String() string {
	var out []string
	for i, name := range s.names {
		out = append(out, name+" "+strings.TrimPrefix(s.servers[i].addrs()[0].String(), "[::]"))
	}
	if out == nil {
		return "no services"
	}
	return strings.Join(out, ", ")
}

// iperf3Server makes an iperf3.Server one of ours.
type iperf3Server struct{ *iperf3.Server }

func startIperf3(n Network, address string, log *slog.Logger) (server, error) {
	s, err := iperf3.Start(n, address, log)
	if err != nil {
		return nil, err
	}
	return iperf3Server{s}, nil
}

func (s iperf3Server) addrs() []net.Addr        { return []net.Addr{s.Addr()} }
func (s iperf3Server) stop(ctx context.Context) { s.Stop(ctx) }
