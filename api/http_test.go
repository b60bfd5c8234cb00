package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// certificate is a server's, signed by itself, and who trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "plane"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{netip.MustParseAddr("10.0.0.2").AsSlice()}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
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

// echoHandler answers POST with the body and GET with as many bytes as asked.
var echoHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(body)
		return
	}
	fmt.Fprintf(w, "%s %s", r.Proto, r.URL.Path)
})

// post sends a body of n bytes and wants it back.
func post(c *http.Client, url string, n int) error {
	body := bytes.Repeat([]byte("0123456789abcdef"), n/16)
	resp, err := c.Post(url, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Equal(got, body) {
		err = fmt.Errorf("%d bytes came back of %d, or others", len(got), len(body))
	}
	return err
}

func TestHTTPBodies(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: echoHandler}
		go srv.Serve(l)
		tr := &http.Transport{DialContext: a.DialContext}
		defer tr.CloseIdleConnections()
		c := &http.Client{Transport: tr, Timeout: 30 * time.Second}
		for _, n := range []int{0, 16, 1 << 10, 1 << 16, 8 << 20} {
			if err := post(c, "http://10.0.0.2/", n); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error("Shutdown:", err)
		}
		if _, err := c.Get("http://10.0.0.2/"); err == nil {
			t.Error("the server that was shut down answers")
		}
	})
}

// HTTP/2 and HTTP/1.1 over TLS, many requests at once.
func TestHTTPS(t *testing.T) {
	cert, pool := certificate(t)
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":443")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{
			Handler: echoHandler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
			ErrorLog: log.New(io.Discard, "", 0), // the client gives up connections it has too many of
		}
		go srv.ServeTLS(l, "", "")
		defer srv.Close()
		for _, proto := range []string{"HTTP/2.0", "HTTP/1.1"} {
			tr := &http.Transport{DialContext: a.DialContext, TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: proto == "HTTP/2.0"}
			c := &http.Client{Transport: tr, Timeout: 60 * time.Second}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					for k := range 5 {
						resp, err := c.Get(fmt.Sprintf("https://10.0.0.2/%d/%d", i, k))
						if err != nil {
							t.Error(err)
							return
						}
						got, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						if want := fmt.Sprintf("%s /%d/%d", proto, i, k); err != nil || string(got) != want {
							t.Errorf("%q, %v; want %q", got, err, want)
						}
					}
				})
			}
			wg.Wait()
			if err := post(c, "https://10.0.0.2/", 4<<20); err != nil {
				t.Error(proto, err)
			}
			tr.CloseIdleConnections()
		}
	})
}

// 200 connections, kept alive, for two seconds: no error, no buffer lost.
func TestHTTPKeepAlive(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		l, err := b.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: echoHandler}
		go srv.Serve(l)
		const conns = 200
		tr := &http.Transport{DialContext: a.DialContext, MaxConnsPerHost: conns, MaxIdleConnsPerHost: conns}
		c := &http.Client{Transport: tr, Timeout: 30 * time.Second}
		var wg sync.WaitGroup
		var served atomic.Int64
		end := time.Now().Add(700 * time.Millisecond)
		for i := range conns {
			wg.Go(func() {
				for path := fmt.Sprint("/", i); time.Now().Before(end); served.Add(1) {
					resp, err := c.Get("http://10.0.0.2" + path)
					if err != nil {
						t.Error(err)
						return
					}
					got, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || string(got) != "HTTP/1.1 "+path {
						t.Errorf("%q, %v", got, err)
						return
					}
				}
			})
		}
		wg.Wait()
		t.Logf("%d requests", served.Load())
		tr.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "connections are over", func() bool { return a.connections()+b.connections() == 0 })
		for _, n := range []*Net{a, b} {
			eventually(t, "buffers are back", func() bool { used, _ := n.Buffers(); return used == 0 })
		}
	})
}

// Bulk both ways at once through TLS.
func TestTLSBulk(t *testing.T) {
	cert, pool := certificate(t)
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		inner, err := b.Listen("tcp", ":443")
		if err != nil {
			t.Fatal(err)
		}
		l := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{cert}})
		go func() {
			c, err := l.Accept()
			if err == nil {
				io.Copy(c, c)
				c.Close()
			}
		}()
		raw, err := a.Dial("tcp", "10.0.0.2:443")
		if err != nil {
			t.Fatal(err)
		}
		c := tls.Client(raw, &tls.Config{RootCAs: pool, ServerName: "10.0.0.2"})
		soon(t, c)
		sent := make([]byte, 8<<20)
		rand.Read(sent)
		werr := make(chan error, 1)
		go func() {
			_, err := c.Write(sent)
			werr <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err := errors.Join(err, <-werr); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
		c.Close()
	})
}
