package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dataplane/cmd/dataplane/service"
)

// fetch gets url and returns the status and the body.
func fetch(ctx context.Context, c *http.Client, url string) (string, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return resp.Status, b, err
}

// get fetches the plane's page.
func (l *lab) get(ctx context.Context) (string, error) {
	c := l.client(l.peer.DialContext)
	defer c.CloseIdleConnections()
	status, b, err := fetch(ctx, c, "http://"+l.at(portHTTP)+"/")
	return fmt.Sprintf("%s, %d bytes from Go's net/http on the plane", status, len(b)), err
}

// get6 fetches the same by IPv6.
func (l *lab) get6(ctx context.Context) (string, error) {
	if !l.addr6.IsValid() {
		return "", nil
	}
	c := l.client(l.peer.DialContext)
	defer c.CloseIdleConnections()
	status, b, err := fetch(ctx, c, "http://"+netip.AddrPortFrom(l.addr6, portHTTP).String()+"/")
	return fmt.Sprintf("%s, %d bytes from %s", status, len(b), l.addr6), err
}

// getMegabyte checks every byte.
func (l *lab) getMegabyte(ctx context.Context) (string, error) {
	c := l.client(l.peer.DialContext)
	defer c.CloseIdleConnections()
	begun := time.Now()
	status, b, err := fetch(ctx, c, "http://"+l.at(portHTTP)+"/bytes/1000000")
	if err != nil {
		return "", err
	}
	if len(b) != 1_000_000 || strings.Count(string(b), "0123456789abcde\n") != len(b)/16 {
		return "", fmt.Errorf("%d bytes, and not the right ones", len(b))
	}
	return fmt.Sprintf("%s, %d bytes, each as it should be, in %.1f ms", status, len(b), time.Since(begun).Seconds()*1e3), nil
}

// load fetches the page over 16 connections that stay open.
func (l *lab) load(ctx context.Context) (string, error) {
	const conns = 16
	c := l.client(l.peer.DialContext)
	defer c.CloseIdleConnections()
	var good atomic.Int64
	errs := make(chan error, conns)
	begun := time.Now()
	var wg sync.WaitGroup
	for range conns {
		wg.Go(func() {
			for time.Since(begun) < l.cfg.Time {
				if _, _, err := fetch(ctx, c, "http://"+l.at(portHTTP)+"/"); err != nil {
					errs <- err
					return
				}
				good.Add(1)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return "", err
	default:
		return fmt.Sprintf("%s requests/s, none failed", thousands(float64(good.Load())/time.Since(begun).Seconds())), nil
	}
}

// bulkOut reads a body that does not end from the plane's net/http.
func (l *lab) bulkOut(ctx context.Context) (string, error) {
	c := l.client(l.peer.DialContext)
	c.Timeout = patience + 2*l.cfg.Time
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.at(portHTTP)+"/bytes/1000000000000000", nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b := make([]byte, 256<<10)
	begun, got := time.Now(), 0
	for time.Since(begun) < l.cfg.Time {
		n, err := resp.Body.Read(b)
		if got += n; err != nil {
			return "", err
		}
	}
	return gigabits(got, time.Since(begun)), nil
}

// getAsClient fetches a page of the peer's: the plane dials.
func (l *lab) getAsClient(ctx context.Context) (string, error) {
	at := netip.AddrPortFrom(l.peerAddr, portClient).String()
	ln, err := l.peer.Listen("tcp", at)
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: service.Handler(), ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	defer func() { srv.Close(); <-served }()
	c := l.client(func(ctx context.Context, network, address string) (net.Conn, error) {
		return l.plane.DialContext(ctx, network, address)
	})
	defer c.CloseIdleConnections()
	status, b, err := fetch(ctx, c, "http://"+at+"/bytes/100000")
	if err == nil && len(b) != 100_000 {
		err = fmt.Errorf("%d bytes came", len(b))
	}
	return fmt.Sprintf("%s, %d bytes from http://%s", status, len(b), at), err
}
