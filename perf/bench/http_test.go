package main

import (
	"net"
	"testing"
)

func TestAnswered(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 13\r\nA: b\r\n\r\nHello, World!"
	for n := range ok {
		if missing, err := answered([]byte(ok[:n])); err != nil || missing == 0 {
			t.Errorf("%q: %d missing, %v", ok[:n], missing, err)
		}
	}
	if missing, err := answered([]byte(ok)); err != nil || missing != 0 {
		t.Errorf("%d missing, %v", missing, err)
	}
	for _, bad := range []string{
		ok + "x",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nHello, World!",
		"HTTP/1.1 200 OK\r\n\r\nHello, World!",
		"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!",
	} {
		if _, err := answered([]byte(bad)); err == nil {
			t.Errorf("%q is no answer of ours", bad)
		}
	}
}

func TestHTTPClient(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go netHTTP(l)
	conns, err := dialAll(3, func() (net.Conn, error) { return net.Dial("tcp4", l.Addr().String()) })
	if err != nil {
		t.Fatal(err)
	}
	n, err := atWork(newHTTP(conns))
	if err != nil || n.ops == 0 || n.bytes != n.ops*13 {
		t.Errorf("%+v, %v", n, err)
	}
}
