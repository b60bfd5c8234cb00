package responder

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dataplane/api"
)

// TestClient: Go's own client, keep-alive, bodies, an unknown page.
func TestClient(t *testing.T) {
	a := serve(t, map[string]string{"/": "hello\n", "/long": strings.Repeat("0123456789", 300_000)})
	cl := &http.Client{Transport: &http.Transport{DialContext: a.DialContext}, Timeout: 20 * time.Second}
	defer cl.CloseIdleConnections()
	for i := range 30 {
		for path, want := range map[string]string{"/": "hello\n", "/?q=1": "hello\n", "/long": strings.Repeat("0123456789", 300_000), "/no": "not found\n"} {
			resp, err := cl.Post("http://10.0.0.2"+path, "text/plain", strings.NewReader(strings.Repeat("x", i*1000)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != want || (resp.StatusCode == 200) != (path != "/no") {
				t.Fatalf("%s: %s, %d bytes, %v", path, resp.Status, len(got), err)
			}
		}
	}
}

// TestFunc: pages that are made, short ones where they are sent from, long ones elsewhere.
func TestFunc(t *testing.T) {
	r := New(nil)
	for _, n := range []int{0, 1, 3900, 4000, 5000, 1 << 20} {
		r.Func(fmt.Sprint("/", n), func(b []byte, s *api.Inside) []byte {
			if s.Lcore() < 0 {
				return nil
			}
			return append(b, strings.Repeat("x", n)...)
		})
	}
	a := serveWith(t, r)
	cl := &http.Client{Transport: &http.Transport{DialContext: a.DialContext}, Timeout: 20 * time.Second}
	defer cl.CloseIdleConnections()
	for range 4 {
		for _, n := range []int{0, 1, 3900, 4000, 5000, 1 << 20} {
			resp, err := cl.Get(fmt.Sprint("http://10.0.0.2/", n))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || len(got) != n || strings.Trim(string(got), "x") != "" {
				t.Fatalf("%d bytes of %d, %v", len(got), n, err)
			}
		}
	}
}

// TestPipelined: many requests in a row, cut anywhere, are answered in order.
func TestPipelined(t *testing.T) {
	a := serve(t, map[string]string{"/1": "one", "/2": "two"})
	for _, cut := range []int{1, 7, 40, 1000} {
		c, err := a.Dial("tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		var q []byte
		for i := range 200 {
			q = fmt.Appendf(q, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", 1+i%2)
		}
		go func() {
			for len(q) > 0 {
				n := min(cut, len(q))
				c.Write(q[:n]) //nolint:errcheck // the reader sees
				q = q[n:]
			}
		}()
		r := bufio.NewReader(c)
		for i := range 200 {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			if want := []string{"one", "two"}[i%2]; string(got) != want {
				t.Fatalf("answer %d is %q", i, got)
			}
		}
		c.Close()
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		head string
		want request
		ok   bool
	}{
		{"GET / HTTP/1.1", request{path: []byte("/")}, true},
		{"GET /a?b HTTP/1.0", request{path: []byte("/a"), close: true}, true},
		{"GET / HTTP/1.0\r\nconnection: Keep-Alive", request{path: []byte("/")}, true},
		{"POST / HTTP/1.1\r\nCONTENT-LENGTH: 12\r\nConnection: close", request{path: []byte("/"), body: 12, close: true}, true},
		{"POST / HTTP/1.1\r\nContent-Length: -1", request{}, false},
		{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", request{}, false},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked", request{}, false},
		{"PUT / HTTP/1.1", request{}, false},
		{"GET x HTTP/1.1", request{}, false},
		{"GET / HTTP/2", request{}, false},
		{"GET / HTTP/1.1\r\nno colon", request{}, false},
		{"", request{}, false},
	} {
		q, ok := parse([]byte(c.head))
		if ok != c.ok || ok && (string(q.path) != string(c.want.path) || q.body != c.want.body || q.close != c.want.close) {
			t.Errorf("%q: %+v %v", c.head, q, ok)
		}
	}
}

// TestRefuses: what is no request gets a 400 and the end.
func TestRefuses(t *testing.T) {
	a := serve(t, nil)
	for _, q := range []string{"rubbish\r\n\r\n", strings.Repeat("x", maxHead)} {
		c, err := a.Dial("tcp", "10.0.0.2:80")
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, q)
		if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
			t.Errorf("%q, %v", got, err)
		}
		c.Close()
	}
}

// serve opens two planes; the second has the responder.
func serve(t *testing.T, pages map[string]string) *api.Net {
	t.Helper()
	return serveWith(t, New(pages))
}

func serveWith(t *testing.T, r *Responder) *api.Net {
	t.Helper()
	a, b, err := api.Pipe(api.Config{}, api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, n := range []*api.Net{a, b} {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	l, err := b.Listen("tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	go l.(*api.TCPListener).ServeHandler(r.Accept) //nolint:errcheck // ends with the plane
	return a
}
