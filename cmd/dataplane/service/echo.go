package service

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
)

// startEcho sends everything back (RFC 862).
func startEcho(n Network, address string, _ *slog.Logger) (server, error) {
	return startBoth(n, address, echoStream, echoPacket)
}

func echoStream(c net.Conn) {
	// Errors are the peer's affair: it sees the connection end.
	_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
}

// echoPacket does not answer another echo service: the two would never end.
func echoPacket(c packetConn, b []byte, from netip.AddrPort) {
	if own, ok := c.LocalAddr().(*net.UDPAddr); ok && int(from.Port()) == own.Port {
		return
	}
	_, _ = c.WriteToUDPAddrPort(b, from)
}

// startDiscard throws everything away (RFC 863).
func startDiscard(n Network, address string, _ *slog.Logger) (server, error) {
	return startBoth(n, address, discardStream, func(packetConn, []byte, netip.AddrPort) {})
}

func discardStream(c net.Conn) {
	b := make([]byte, 256<<10)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}
