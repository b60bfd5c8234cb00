package nic

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

// spread opens many flows at once, so that the NIC's hash has something to choose.
func (s *session) spread(n int) {
	s.Helper()
	done := make(chan error, 2*n)
	for range n {
		go func() { done <- fetch() }()
		go func() { done <- converse() }()
	}
	for range 2 * n {
		if err := <-done; err != nil {
			s.Error(err)
		}
	}
}

// fetch gets a page over a connection of its own.
func fetch() error {
	resp, err := client().Get("http://" + planeIP + "/bytes/20000")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || n != 20000 || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%d bytes, %s, %w", n, resp.Status, err)
	}
	return nil
}

// converse exchanges datagrams from a port of its own.
func converse() error {
	c, err := net.Dial("udp", planeIP+":7")
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range 10 {
		if echoed(c, []byte{byte(i), 2, 3}) == 0 {
			return fmt.Errorf("UDP echo from %v: nothing came back", c.LocalAddr())
		}
	}
	return nil
}
