package api

import "golang.org/x/sys/unix"

// testSocket is a descriptor with its calls as methods.
type testSocket struct {
	u  *Posix
	fd int
}

func (n *Net) testSocket(domain, typ, proto int) (*testSocket, error) {
	fd, err := n.Posix().Socket(domain, typ, proto)
	return &testSocket{n.Posix(), fd}, err
}

func (k *testSocket) Bind(sa unix.Sockaddr) error    { return k.u.Bind(k.fd, sa) }
func (k *testSocket) Connect(sa unix.Sockaddr) error { return k.u.Connect(k.fd, sa) }
func (k *testSocket) Listen(backlog int) error       { return k.u.Listen(k.fd, backlog) }
func (k *testSocket) Accept4(flags int) (*testSocket, unix.Sockaddr, error) {
	fd, sa, err := k.u.Accept4(k.fd, flags)
	return &testSocket{k.u, fd}, sa, err
}
func (k *testSocket) Sendto(b []byte, flags int, to unix.Sockaddr) (int, error) {
	return k.u.SendmsgN(k.fd, b, nil, to, flags)
}
func (k *testSocket) SendmsgN(b, oob []byte, to unix.Sockaddr, flags int) (int, error) {
	return k.u.SendmsgN(k.fd, b, oob, to, flags)
}
func (k *testSocket) Recvfrom(b []byte, flags int) (int, unix.Sockaddr, error) {
	return k.u.Recvfrom(k.fd, b, flags)
}
func (k *testSocket) Recvmsg(b, oob []byte, flags int) (n, oobn, recvflags int, from unix.Sockaddr, err error) {
	return k.u.Recvmsg(k.fd, b, oob, flags)
}
func (k *testSocket) Shutdown(how int) error              { return k.u.Shutdown(k.fd, how) }
func (k *testSocket) Getsockname() (unix.Sockaddr, error) { return k.u.Getsockname(k.fd) }
func (k *testSocket) Getpeername() (unix.Sockaddr, error) { return k.u.Getpeername(k.fd) }
func (k *testSocket) SetsockoptInt(level, opt, value int) error {
	return k.u.SetsockoptInt(k.fd, level, opt, value)
}
func (k *testSocket) GetsockoptInt(level, opt int) (int, error) {
	return k.u.GetsockoptInt(k.fd, level, opt)
}
func (k *testSocket) SetsockoptLinger(level, opt int, l *unix.Linger) error {
	return k.u.SetsockoptLinger(k.fd, level, opt, l)
}
func (k *testSocket) Close() error { return k.u.Close(k.fd) }
