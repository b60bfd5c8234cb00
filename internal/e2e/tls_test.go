package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// selfSigned makes a certificate for both ends' addresses.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(planeIP), net.ParseIP(kernelIP)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// serveHTTPS is serveHTTP with TLS and, as net/http does by itself, HTTP/2.
func serveHTTPS(t testing.TB, listen listener, address string, cert tls.Certificate) string {
	t.Helper()
	l, err := listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handler(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog: log.New(io.Discard, "", 0)} // clients give up connections that they dialled in vain
	done := make(chan error, 1)
	go func() { done <- srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { srv.Close(); <-done })
	return "https://" + l.Addr().String()
}

// TestHTTP2 is HTTP/2 over TLS: curl to the plane, and net/http both ways with
// many streams on one connection.
func TestHTTP2(t *testing.T) {
	cert, pool := selfSigned(t)
	b := newBed(t)
	url := serveHTTPS(t, b.plane.Listen, planeIP+":443", cert)
	out := tool(t, 20*time.Second, "curl", "-sS", "-k", "-m", "15", "--http2", "-w", "%{http_version} %{size_download}", "-o", "/dev/null", url+"/bytes/8000000")
	if out != "2 8000000" {
		t.Errorf("curl --http2: %q", out)
	}
	t.Run("kernel dials", func(t *testing.T) {
		var d net.Dialer
		streams(t, d.DialContext, url, pool)
	})
	t.Run("plane dials", func(t *testing.T) {
		streams(t, b.plane.DialContext, serveHTTPS(t, net.Listen, kernelIP+":0", cert), pool)
	})
}

func streams(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), url string, pool *x509.CertPool) {
	tr := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: 20 * time.Second}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if err := stream(client, url, 5000*i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func stream(client *http.Client, url string, n int) error {
	want := string(block[:n])
	resp, err := client.Post(url+"/echo", "application/octet-stream", strings.NewReader(want))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != 2 || string(got) != want {
		return fmt.Errorf("%s: %d of %d bytes, or changed: %v", resp.Proto, len(got), n, err)
	}
	return nil
}
