package afpacket

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// link knows whether the interface can carry frames. A goroutine of its own waits
// for the kernel's news of links (rtnetlink(7)); whatever they say, it asks anew.
type link struct {
	index int
	// down is written by refresh: on the watching goroutine, in LinkUp, and on an
	// lcore whose frames are refused. The lcores load it.
	down atomic.Bool

	control int      // a socket for interface ioctls, in the interface's namespace
	news    *os.File // likewise, for rtnetlink
	clear   func()   // called after news: clears the sockets' errors
	watcher sync.WaitGroup
}

// watch returns the link of an interface of the calling thread's namespace. Its
// goroutine starts with run.
func watch(index int) (_ *link, err error) {
	l := &link{index: index, control: -1}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.control, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	l.news = os.NewFile(uintptr(fd), "rtnetlink")
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK}); err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	l.refresh()
	return l, nil
}

// run starts the goroutine, which ends with close.
func (l *link) run(clear func()) {
	l.clear = clear
	l.watcher.Go(func() {
		var b [1]byte // the rest of a message is thrown away
		for {
			var look time.Time // while the link is down, also without news
			if l.down.Load() {
				look = time.Now().Add(time.Second)
			}
			_ = l.news.SetReadDeadline(look)
			_, err := l.news.Read(b[:])
			// ENOBUFS: there was more news than the socket could hold.
			if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			l.refresh()
			l.clear()
		}
	})
}

// refresh asks the kernel and returns whether the link is up. Any goroutine, but
// not during close.
func (l *link) refresh() (up bool) {
	up = l.ask()
	if l.down.Load() == up {
		l.down.Store(!up)
	}
	return up
}

// ask asks by the interface's name of this moment: it may have been renamed, or be
// gone, and its name be another one's.
func (l *link) ask() bool {
	req, err := unix.NewIfreq("")
	if err != nil {
		return false
	}
	req.SetUint32(uint32(l.index))
	if unix.IoctlIfreq(l.control, unix.SIOCGIFNAME, req) != nil {
		return false
	}
	name := req.Name()
	if unix.IoctlIfreq(l.control, unix.SIOCGIFFLAGS, req) != nil || req.Uint16()&unix.IFF_UP == 0 {
		return false
	}
	carrier, err := hasCarrier(l.control, name)
	if err != nil { // a driver that does not know
		return req.Uint16()&unix.IFF_RUNNING != 0
	}
	return carrier
}

func (l *link) close() {
	if l.news != nil {
		_ = l.news.Close() // ends the goroutine's Read
		l.watcher.Wait()
	}
	if l.control >= 0 {
		unix.Close(l.control)
		l.control = -1
	}
}
