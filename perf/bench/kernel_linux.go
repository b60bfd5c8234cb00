package main

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// connectUDP connects a socket that is bound already, which package net cannot.
func connectUDP(c *net.UDPConn, to netip.AddrPort) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var cerr error
	err = raw.Control(func(fd uintptr) {
		cerr = unix.Connect(int(fd), &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()})
	})
	return errors.Join(err, cerr)
}
