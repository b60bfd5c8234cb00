package quic

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"dataplane/api"
	"dataplane/lcore"
)

// certificate is one that signs itself.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"plane"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// counted is a socket of a plane, as quic-go uses it, that counts the calls.
type counted struct {
	*api.DescriptorConn
	reads, single int
	writes, bytes int
}

func socket(t testing.TB, n *api.Net, addr string) *counted {
	t.Helper()
	p, err := n.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.(*api.UDPConn).WithDescriptor()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &counted{DescriptorConn: d}
}

// ReadFrom is quic-go's slow path.
func (c *counted) ReadFrom(b []byte) (int, net.Addr, error) {
	c.single++
	return c.DescriptorConn.ReadFrom(b)
}

// WriteMsgUDP is how quic-go sends, one packet or many in one segmented write.
func (c *counted) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	c.writes++
	c.bytes += len(b)
	return c.DescriptorConn.WriteMsgUDP(b, oob, addr)
}

// transports returns a server and a client on two planes.
func transports(t testing.TB, cfg api.Config) (server, client *quic.Transport, out *counted) {
	t.Helper()
	a, b, err := api.Pipe(cfg, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	in, out := socket(t, b, ":443"), socket(t, a, ":0")
	server, client = &quic.Transport{Conn: in}, &quic.Transport{Conn: out}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return server, client, out
}

// dial connects the two, with a server that sends back what it reads.
func dial(t testing.TB, server, client *quic.Transport) *quic.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	l, err := server.Listen(&tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"echo"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		for {
			s, err := c.AcceptStream(context.Background())
			if err != nil {
				return
			}
			go func() {
				io.Copy(s, s)
				s.Close()
			}()
		}
	}()
	c, err := client.Dial(ctx, &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 443}, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"echo"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// echo sends data and reads it back.
func echo(t testing.TB, c *quic.Conn, data []byte) {
	t.Helper()
	s, err := c.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	s.SetDeadline(time.Now().Add(60 * time.Second))
	go func() {
		s.Write(data)
		s.Close()
	}()
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes came back of %d, %v", len(got), len(data), err)
	}
}

func TestEcho(t *testing.T) {
	t.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	for name, cfg := range map[string]api.Config{
		"shared":     {Mode: lcore.Shared},
		"locked":     {Mode: lcore.Locked},
		"two lcores": {Mode: lcore.Shared, Lcores: []int{api.AnyCPU, api.AnyCPU}},
	} {
		t.Run(name, func(t *testing.T) {
			server, client, out := transports(t, cfg)
			c := dial(t, server, client)
			data := make([]byte, 4<<20)
			rand.Read(data)
			echo(t, c, data)
			c.CloseWithError(0, "")
			client.Close()
			if out.single != 0 {
				t.Errorf("%d single reads: quic-go is on its slow path", out.single)
			}
			if out.bytes < 2500*out.writes {
				t.Errorf("%d bytes in %d writes: quic-go does not use UDP_SEGMENT", out.bytes, out.writes)
			}
		})
	}
}

// BenchmarkEcho is 1 MiB there and back.
func BenchmarkEcho(b *testing.B) {
	b.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	server, client, _ := transports(b, api.Config{})
	c := dial(b, server, client)
	data := make([]byte, 1<<20)
	b.SetBytes(2 << 20)
	for b.Loop() {
		echo(b, c, data)
	}
}
