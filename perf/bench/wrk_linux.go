package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"

	"dataplane/api"
)

// wrk asks a web server over the kernel's TCP, from another CPU. Its CPU time is
// not in the figures; the kernel's work in our system calls is.
type wrk struct{ url string }

// wrkLeast is the shortest time that wrk knows.
const wrkLeast = time.Second

var (
	wrkDone   = regexp.MustCompile(`(\d+) requests in ([0-9.]+)s`)
	wrkFailed = regexp.MustCompile(`(?m)^ *(Non-2xx.*|Socket errors.*)$`)
)

func (w *wrk) run(d time.Duration) (count, error) {
	d = max(d.Round(time.Second), wrkLeast)
	ctx, cancel := context.WithTimeout(context.Background(), d+grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", httpConns), fmt.Sprintf("-d%ds", int(d.Seconds())), w.url)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := startElsewhere(cmd); err != nil {
		return count{}, err
	}
	if err := cmd.Wait(); err != nil {
		return count{}, fmt.Errorf("wrk: %w: %s", err, out.String())
	}
	return wrkSays(out.String())
}

// wrkSays reads what wrk prints.
func wrkSays(out string) (count, error) {
	m := wrkDone.FindStringSubmatch(out)
	if bad := wrkFailed.FindString(out); bad != "" || m == nil {
		return count{}, fmt.Errorf("wrk: %s%s", strings.TrimSpace(bad), out)
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	return count{ops: n, bytes: n * uint64(len(httpBody))}, err
}

// startElsewhere starts a program on the other CPU.
func startElsewhere(cmd *exec.Cmd) error {
	cpu, err := otherCPU()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), unix.SchedSetaffinity(0, &before))
}

// newWrk looks at one answer as a whole, which wrk does not.
func newWrk(addr string) (*wrk, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, skipped("wrk is not installed")
	}
	w := &wrk{url: "http://" + addr + "/"}
	c := http.Client{Timeout: grace}
	defer c.CloseIdleConnections()
	resp, err := c.Get(w.url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != httpBody {
		return nil, fmt.Errorf("%w: %q, %w", errAnswer, b, err)
	}
	return w, nil
}

// tapHTTP gives each side of the row a network of its own, after those of tapNet.
func tapHTTP(side int) link3 {
	return link3{netip.AddrFrom4([4]byte{10, 7, byte(10 + side), 1}), netip.AddrFrom4([4]byte{10, 7, byte(10 + side), 2})}
}

func planeWrk(side int, serve func(*api.TCPListener) error) (*subject, error) {
	at := tapHTTP(side)
	n, err := openTAPPlane(fmt.Sprintf("plhttp%d", side), at)
	if err != nil {
		return nil, err
	}
	l, err := n.Listen("tcp", ":80")
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	go serve(l.(*api.TCPListener)) //nolint:errcheck // until the plane closes
	w, err := newWrk(at.peer.String())
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return &subject{load: w, packets: planes{n}.packets, close: n.Close}, nil
}

func gvisorWrk(side int) (*subject, error) {
	at := tapHTTP(side)
	link, err := openTAP(fmt.Sprintf("gvhttp%d", side), at.host.String()+"/24")
	if err != nil {
		return nil, err
	}
	s, err := newGvisor(link, tcpip.AddrFrom4(at.peer.As4()), 24, arp.NewProtocol)
	if err != nil {
		return nil, err
	}
	l, err := gonet.ListenTCP(s, tcpip.FullAddress{NIC: nic, Port: 80}, ipv4.ProtocolNumber)
	if err != nil {
		return nil, err
	}
	go netHTTP(l)
	w, err := newWrk(at.peer.String())
	if err != nil {
		return nil, err
	}
	packets := func() uint64 { return link.sent.Load() + link.got.Load() }
	return &subject{load: w, packets: packets, close: func() error {
		l.Close()
		return gvisors{{s, link}}.close()
	}}, nil
}

func linuxWrk() (*subject, error) {
	l, err := listenKernel("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go netHTTP(l)
	w, err := newWrk(l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &subject{load: w, packets: loopback.packets, close: l.Close}, nil
}
