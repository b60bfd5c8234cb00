//go:build dpdk

package dpdk

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/internal/required"
)

// plane opens a plane with one port, and serves UDP and TCP echo at :7.
func plane(t testing.TB, device, addr string, opt map[string]string) *api.Net {
	t.Helper()
	if err := Init(EAL{Huge: "no", Memory: 512}); err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		Ports: []api.Port{{Driver: "dpdk", Device: device, Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}, Options: opt}},
		Mode:  api.ModeShared,
	}
	if os.Getenv("DPDK_TEST_ROLE") != "" { // in a benchmark
		cfg.Idle = api.IdleSpin
	}
	n, err := api.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	u, err := n.ListenPacket("udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 2048)
		for {
			k, from, err := u.ReadFrom(b)
			if err != nil {
				return
			}
			u.WriteTo(b[:k], from)
		}
	}()
	l, err := n.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("%s: %v", device, err)
		}
	})
	return n
}

type dialer func(network, address string) (net.Conn, error)

// echo sends datagrams of many sizes and a stream to addr and wants them back.
func echo(t *testing.T, dial dialer, addr string, stream int) {
	t.Helper()
	u, err := dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	got := make([]byte, 2048)
	lost := 0
	for i := range 200 {
		want := bytes.Repeat([]byte{byte(i)}, 1+i*7)
		u.Write(want)
		u.SetReadDeadline(time.Now().Add(2 * time.Second))
		k, err := u.Read(got)
		if err != nil {
			if lost++; lost > 20 { // the link may have to come up, ARP to be asked
				t.Fatalf("datagram %d: %v", i, err)
			}
			continue
		}
		if !bytes.Equal(got[:k], want) {
			t.Fatalf("datagram %d: %d bytes of %d", i, k, len(want))
		}
	}
	if lost > 0 {
		t.Logf("%d of 200 datagrams were lost", lost)
	}
	c, err := dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	want := make([]byte, stream)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range want {
		want[i] = byte(r.Uint32())
	}
	go c.Write(want)
	back := make([]byte, len(want))
	if n, err := io.ReadFull(c, back); err != nil || !bytes.Equal(back, want) {
		t.Fatalf("%d of %d bytes, %v", n, len(want), err)
	}
}

// apart runs the test in a network namespace and a process of its own.
func apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv("DPDK_TEST_CHILD") == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		required.Skip(t, "EAL and namespaces want root")
	}
	cmd := exec.Command("unshare", "-n", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=90s")
	cmd.Env = append(os.Environ(), "DPDK_TEST_CHILD="+t.Name())
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		required.Skip(t, string(out))
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// veth makes v0, the kernel's, and v1, whose frames have complete checksums.
func veth(t *testing.T) {
	t.Helper()
	ip(t, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
	ip(t, "addr", "add", "10.9.0.1/24", "dev", "v0")
	ip(t, "link", "set", "v0", "up")
	ip(t, "link", "set", "v1", "up")
	ip(t, "link", "set", "lo", "up")
	checksumsOff(t, "v0")
}

func kernel(network, address string) (net.Conn, error) {
	return net.DialTimeout(network, address, 10*time.Second)
}

func TestAfPacket(t *testing.T) { onVeth(t, "net_af_packet0,iface=v1") }
func TestAfXDP(t *testing.T)    { onVeth(t, "net_af_xdp0,iface=v1") }
func TestPcap(t *testing.T)     { onVeth(t, "net_pcap0,iface=v1") }

func onVeth(t *testing.T, device string) {
	if !apart(t) {
		return
	}
	veth(t)
	plane(t, device, "10.9.0.2/24", nil)
	echo(t, kernel, "10.9.0.2:7", 1<<18)
}

func TestTap(t *testing.T) {
	if !apart(t) {
		return
	}
	plane(t, "net_tap0,iface=dtap0", "10.9.0.2/24", nil)
	ip(t, "addr", "add", "10.9.0.1/24", "dev", "dtap0")
	ip(t, "link", "set", "dtap0", "up")
	echo(t, kernel, "10.9.0.2:7", 1<<18)
}

// Two planes in a process, a memif between them.
func TestMemif(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "memif.sock")
	device := func(i int, role string) string {
		return fmt.Sprintf("net_memif%d,role=%s,socket=%s,socket-abstract=no", i, role, sock)
	}
	plane(t, device(0, "server"), "10.9.0.2/24", nil)
	client := plane(t, device(1, "client"), "10.9.0.1/24", map[string]string{"link-wait": "5s"})
	echo(t, client.Dial, "10.9.0.2:7", 1<<22)
}

// Two planes in two processes.
func TestMemifProcesses(t *testing.T) {
	device := "net_memif5,socket-abstract=no,"
	if sock := os.Getenv("DPDK_TEST_SOCKET"); sock != "" {
		client := plane(t, device+"role=client,socket="+sock, "10.9.0.1/24", map[string]string{"link-wait": "5s"})
		echo(t, client.Dial, "10.9.0.2:7", 1<<22)
		window(t, client)
		return
	}
	sock := filepath.Join(t.TempDir(), "memif.sock")
	plane(t, device+"role=server,socket="+sock, "10.9.0.2/24", nil)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "DPDK_TEST_SOCKET="+sock)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// window keeps 64 datagrams on the way for a second and says how many came back.
func window(t *testing.T, n *api.Net) {
	c, err := n.Dial("udp", "10.9.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := make([]byte, 64)
	for range 64 {
		c.Write(b)
	}
	from, echoes := time.Now(), 0
	for time.Since(from) < time.Second {
		c.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := c.Read(b); err != nil {
			break
		}
		echoes++
		c.Write(b)
	}
	t.Logf("UDP echo: %.0f round trips a second through goroutine sockets", float64(echoes)/time.Since(from).Seconds())
}

// The same over vhost-user.
func TestVhost(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "vhost.sock")
	plane(t, "net_vhost0,iface="+sock, "10.9.0.2/24", nil)
	client := plane(t, "net_virtio_user0,path="+sock, "10.9.0.1/24", map[string]string{"link-wait": "5s"})
	echo(t, client.Dial, "10.9.0.2:7", 1<<22)
}

// A file is received.
func TestPcapFile(t *testing.T) {
	p := open(t, "net_pcap1,rx_pcap="+writePcap(t)+",tx_pcap="+filepath.Join(t.TempDir(), "out.pcap"), noOptions)
	pool := newTestPool(t, p, 1024)
	if err := p.Start(one(pool)); err != nil {
		t.Fatal(err)
	}
	got := receiveSome(t, p, 3)
	for i, m := range got {
		if len(m.Bytes()) != 60+i || m.Bytes()[20] != byte(i) {
			t.Errorf("frame %d: % x", i, m.Bytes())
		}
	}
	if n := p.Queue(0).TxBurst(got); n != 3 {
		t.Errorf("%d were written", n)
	}
	if s := p.Stats(); s.IPackets != 3 || s.IBytes != 183 || s.OPackets != 3 {
		t.Errorf("%+v", s)
	}
}

// A device lets in frames for others while somebody wants them.
func TestListen(t *testing.T) {
	if !apart(t) {
		return
	}
	veth(t)
	p := open(t, "net_af_packet0,iface=v1", noOptions)
	if err := p.Listen(true, true); err != nil { // Start does it
		t.Fatal(err)
	}
	if err := p.Start(one(newTestPool(t, p, 1024))); err != nil {
		t.Fatal(err)
	}
	promisc := func() bool {
		out, err := exec.Command("ip", "link", "show", "v1").CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(out), "PROMISC")
	}
	if !promisc() {
		t.Error("not after Start")
	}
	for _, on := range []bool{false, true, false} {
		if err := p.Listen(on, on); err != nil || promisc() != on {
			t.Errorf("%v: %v, %v", on, promisc(), err)
		}
	}
	if err := p.Close(); err != nil || p.Listen(true, true) == nil {
		t.Errorf("a closed port listens; %v", err)
	}
}
