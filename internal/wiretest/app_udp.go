package wiretest

import (
	"net/netip"
	"syscall"

	"dataplane/sock"
	"dataplane/udp"
)

// UDPApp is an application's end of a UDP socket.
type UDPApp struct {
	SK *sock.Sock

	w *Wire
}

// BindUDP opens a socket on port.
func (w *Wire) BindUDP(port uint16) *UDPApp {
	w.T.Helper()
	a := &UDPApp{SK: &w.Stack.UDP.NewSock().Sock, w: w}
	if e := w.Stack.UDP.Bind(a.SK, sock.Name{Port: port}); e != 0 {
		w.fatalf("bind to port %d: %v", port, e)
	}
	w.pump()
	return a
}

// UDP is the protocol's side of the socket.
func (a *UDPApp) UDP() *udp.Sock { return a.SK.Owner.(*udp.Sock) }

// Connect makes port of the test the only peer.
func (a *UDPApp) Connect(port uint16) syscall.Errno {
	e := a.w.Stack.UDP.Connect(a.SK, sock.Name{}, sock.Name{Addr: Peer.As16(), Port: port})
	a.w.pump()
	return e
}

// SendTo sends data to port of the test; 0: to the connected peer. False: the
// socket had no room.
func (a *UDPApp) SendTo(port uint16, data string) bool {
	if port == 0 {
		_, peer := a.SK.Names()
		return a.SendName(peer, data)
	}
	return a.SendName(sock.NameFrom(netip.AddrPortFrom(Peer, port)), data)
}

// SendName sends data to a name.
func (a *UDPApp) SendName(to sock.Name, data string) bool {
	d := sock.Datagram{Peer: to, Len: len(data)}
	if !sock.PutDatagram(&a.SK.TX, &d, []byte(data), nil) {
		return false
	}
	a.SK.Kick(sock.ReqSend)
	a.w.pump()
	return true
}

// Recv takes the oldest datagram. False: there is none.
func (a *UDPApp) Recv() (sock.Datagram, string, bool) {
	var d sock.Datagram
	x, y, ok := sock.NextDatagram(&a.SK.RX, &d)
	if !ok {
		return d, "", false
	}
	data := string(x) + string(y)
	sock.DoneDatagram(&a.SK.RX, &d)
	return d, data, true
}

// Expect takes the oldest datagram, which must be data from port of the test.
func (a *UDPApp) Expect(port uint16, data string) {
	a.w.T.Helper()
	d, got, ok := a.Recv()
	if !ok {
		a.w.fatalf("want a datagram from port %d, there is none", port)
	}
	if d.Peer.Port != port || got != data {
		a.w.fatalf("want %.60q from port %d, got %.60q from port %d", data, port, got, d.Peer.Port)
	}
}

// WantError takes the pending error, which must be e.
func (a *UDPApp) WantError(e syscall.Errno) {
	a.w.T.Helper()
	if got := a.SK.TakeError(); got != e {
		a.w.fatalf("error %v, want %v", got, e)
	}
}

// Close lets go of the socket.
func (a *UDPApp) Close() {
	a.SK.Kick(sock.ReqClose)
	a.w.pump()
}
