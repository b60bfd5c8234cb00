package service

import (
	"net"
	"net/netip"
	"testing"
)

// recorder is a socket that remembers whether it was written to.
type recorder struct {
	packetConn
	local net.Addr
	wrote bool
}

func (r *recorder) LocalAddr() net.Addr { return r.local }

func (r *recorder) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	r.wrote = true
	return len(b), nil
}

// plain is a socket without the calls that allocate nothing.
type plain struct{ net.PacketConn }

func (plain) Close() error { return nil }

func TestServePacketsWantsUDP(t *testing.T) {
	if _, err := servePackets(plain{}, nil); err == nil {
		t.Error("served a socket that is not UDP")
	}
}
