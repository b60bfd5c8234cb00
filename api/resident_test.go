package api

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serveTasks runs f for each connection to b's port 7, until the test ends.
func serveTasks(t testing.TB, b *Net, f func(net.Conn)) *TCPListener {
	t.Helper()
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	tl := l.(*TCPListener)
	done := make(chan error, 1)
	go func() { done <- tl.ServeResident(f) }()
	t.Cleanup(func() {
		l.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ServeResident: %v", err)
		}
	})
	return tl
}

func echoTask(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 8192)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func call(t testing.TB, a *Net) net.Conn {
	t.Helper()
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	soon(t, c)
	return c
}

// exchange writes a message and wants it back.
func exchange(t testing.TB, c net.Conn, msg, buf []byte) {
	t.Helper()
	if _, err := c.Write(msg); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, buf[:len(msg)]); err != nil || !bytes.Equal(buf[:len(msg)], msg) {
		t.Fatalf("%q, %v", buf[:len(msg)], err)
	}
}

func TestResidentEcho(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveTasks(t, b, echoTask)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				c := call(t, a)
				defer c.Close()
				buf := make([]byte, 100_000)
				for k := range 50 {
					exchange(t, c, fmt.Appendf(nil, "message %d of %d", k, i), buf)
				}
				big := bytes.Repeat([]byte{byte(i)}, len(buf)) // more than fits a buffer
				go c.Write(big)                                //nolint:errcheck // the reader sees
				if _, err := io.ReadFull(c, buf); err != nil || !bytes.Equal(buf, big) {
					t.Error("the big message is damaged:", err)
				}
			})
		}
		wg.Wait()
		eventually(t, "the tasks have ended", func() bool { return b.Resident() == 0 })
	})
}

// TestResidentBothEnds: a task dials, another answers, on one lcore or several, and
// nothing of it allocates.
func TestResidentBothEnds(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveTasks(t, b, echoTask)
		var rounds atomic.Int64
		done := make(chan error, 1)
		quit := make(chan struct{})
		err := a.GoResident(0, func() {
			done <- func() error {
				c, err := a.Dial("tcp", "10.0.0.2:7")
				if err != nil {
					return err
				}
				defer c.Close()
				msg, buf := make([]byte, 64), make([]byte, 64)
				for {
					select {
					case <-quit:
						return nil
					default:
					}
					if _, err := c.Write(msg); err != nil {
						return err
					}
					if _, err := io.ReadFull(c, buf); err != nil {
						return err
					}
					rounds.Add(1)
				}
			}()
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "it goes round", func() bool { return rounds.Load() > 500 })
		n := testing.AllocsPerRun(3, func() {
			for end := rounds.Load() + 200; rounds.Load() < end; {
				time.Sleep(50 * time.Microsecond)
			}
		})
		if n > 50 { // the timers of this loop, and nothing of 200 rounds
			t.Errorf("%v allocations in 200 rounds", n)
		}
		close(quit)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestResidentOneP: the same on one P, where tasks take turns while they wait.
func TestResidentOneP(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	t.Run("echo", TestResidentEcho)
	t.Run("both ends", TestResidentBothEnds)
	t.Run("conn", TestResidentConn)
	t.Run("HTTP", TestResidentHTTP)
	t.Run("panic", TestResidentPanic)
	t.Run("watchdog", TestResidentWatchdog)
	t.Run("close", TestResidentClose)
	t.Run("datagrams", TestResidentDatagrams)
}

// TestResidentConn: deadlines, options, half-close, sleep and another task on the
// same connection work as for a goroutine.
func TestResidentConn(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		result := make(chan error, 1)
		serveTasks(t, b, func(nc net.Conn) {
			result <- func() error {
				c := nc.(*TCPConn)
				if err := errors.Join(c.SetNoDelay(false), c.SetKeepAlive(true), c.SetLinger(-1), c.SetReadBuffer(1<<20)); err != nil {
					return fmt.Errorf("options: %w", err)
				}
				if local, remote := c.LocalAddr().String(), c.RemoteAddr().String(); local != "10.0.0.2:7" || !strings.HasPrefix(remote, "10.0.0.1:") {
					return fmt.Errorf("%s %s", local, remote)
				}
				at := time.Now()
				c.SetReadDeadline(at.Add(30 * time.Millisecond))
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(at) < 30*time.Millisecond {
					return fmt.Errorf("deadline: %v after %v", err, time.Since(at))
				}
				at = time.Now()
				if b.Sleep(20 * time.Millisecond); time.Since(at) < 20*time.Millisecond {
					return fmt.Errorf("slept %v", time.Since(at))
				}
				c.SetReadDeadline(time.Time{})
				if _, err := c.Write([]byte("ready")); err != nil {
					return err
				}
				if err := c.CloseWrite(); err != nil {
					return err
				}
				all, err := io.ReadAll(c)
				if err != nil || string(all) != "question" {
					return fmt.Errorf("%q, %v", all, err)
				}
				return c.Close()
			}()
		})
		c := call(t, a).(*TCPConn)
		all, err := io.ReadAll(c)
		if err != nil || string(all) != "ready" {
			t.Errorf("%q, %v", all, err)
		}
		c.Write([]byte("question"))
		c.CloseWrite()
		if err := <-result; err != nil {
			t.Error(err)
		}
		c.Close()
	})
}

// TestResidentHTTP parses and answers with package net/http's own types.
func TestResidentHTTP(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b := pipe(t, cfg)
		serveTasks(t, b, func(c net.Conn) {
			defer c.Close()
			for r := bufio.NewReader(c); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(req.Body)
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
		})
		cl := &http.Client{Transport: &http.Transport{DialContext: a.DialContext}, Timeout: 20 * time.Second}
		defer cl.CloseIdleConnections()
		for i := range 20 {
			want := strings.Repeat(fmt.Sprint(i), 5000)
			resp, err := cl.Post("http://10.0.0.2:7/", "text/plain", strings.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != want {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		}
	})
}

// logged is a log to look into.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), s)
}

// TestResidentPanic: it ends the task, closes its connection, and nothing else.
func TestResidentPanic(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		log := new(logged)
		cfg.Log = slog.New(slog.NewTextHandler(log, nil))
		a, b := pipe(t, cfg)
		serveTasks(t, b, func(c net.Conn) {
			buf := make([]byte, 8)
			if n, _ := c.Read(buf); string(buf[:n]) == "die" {
				panic("as it was told")
			}
			c.Write(buf[:1])
			c.Close()
		})
		bystander := call(t, a)
		c := call(t, a)
		c.Write([]byte("die"))
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
		c.Close()
		bystander.Write([]byte("x"))
		if _, err := io.ReadFull(bystander, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		bystander.Close()
		eventually(t, "it is logged", func() bool {
			return log.has("as it was told") && log.has("resident_test.go")
		})
		eventually(t, "both have ended", func() bool { return b.Resident() == 0 })
	})
}

// stubborn keeps its lcore until it is told of. The name is looked for in the log.
//
//go:noinline
func stubborn(log *logged) {
	for end := time.Now().Add(20 * time.Second); !log.has("keeps its lcore") && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
}

func TestResidentWatchdog(t *testing.T) {
	log := new(logged)
	a, b := pipe(t, Config{TaskLimit: 30 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil))})
	serveTasks(t, b, func(c net.Conn) {
		stubborn(log)
		c.Close()
	})
	c := call(t, a)
	c.Read(make([]byte, 1)) //nolint:errcheck // until it is closed
	if !log.has("keeps its lcore") || !log.has("stubborn") {
		t.Errorf("log: %s", log.b.String())
	}
}

// TestResidentClose: the plane ends while tasks wait everywhere, and their defers
// run.
func TestResidentClose(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		a, b, err := Pipe(cfg, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		l, err := b.Listen("tcp", ":7")
		if err != nil {
			t.Fatal(err)
		}
		var started, ended atomic.Int32
		begin := func() func() { started.Add(1); return func() { ended.Add(1) } }
		served := make(chan error)
		go func() {
			served <- l.(*TCPListener).ServeResident(func(c net.Conn) {
				defer begin()()
				for { // one that does not care for errors
					c.Read(make([]byte, 1)) //nolint:errcheck // as said
					b.Sleep(time.Hour)
				}
			})
		}()
		for _, f := range []func(){
			func() { b.Sleep(time.Hour) },
			func() {
				c, err := b.ListenPacket("udp", ":9")
				if err == nil {
					c.ReadFrom(make([]byte, 1)) //nolint:errcheck // until Close
				}
			},
			func() { b.Dial("tcp", "10.0.0.99:9") }, //nolint:errcheck // nobody there
		} {
			if err := b.GoResident(0, func() { defer begin()(); f() }); err != nil {
				t.Fatal(err)
			}
		}
		call(t, a)
		eventually(t, "all have begun", func() bool { return started.Load() == 4 })
		time.Sleep(5 * time.Millisecond)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if n := ended.Load(); n != 4 {
			t.Errorf("%d of 4 tasks have ended", n)
		}
		if err := b.GoResident(0, func() {}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("GoResident after Close: %v", err)
		}
		if err := b.GoResident(9, func() {}); err == nil {
			t.Error("there is a lcore 9")
		}
	})
}

// TestResidentDatagrams: a task's datagrams leave in order, those that wait for the port too.
func TestResidentDatagrams(t *testing.T) {
	setups(t, func(t *testing.T, cfg Config) {
		if len(cfg.Lcores) > 1 {
			t.Skip("between lcores datagrams may be lost")
		}
		a, b := pipe(t, cfg)
		to := listenUDP(t, b, ":7")
		if err := to.SetReadBuffer(1 << 20); err != nil {
			t.Fatal(err)
		}
		c, err := a.Dial("udp", "10.0.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		const n = 1000
		buf := make([]byte, 100)
		to.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // it is open
		if _, err := c.Write([]byte("neighbour")); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Read(buf); err != nil {
			t.Fatal(err)
		}
		go func() {
			if err := a.GoResident(0, func() {
				for i := range n {
					fmt.Fprint(c, i)
					if i%200 == 199 {
						a.Yield()
					}
				}
			}); err != nil {
				t.Error(err)
			}
		}()
		for i := range n {
			if k, err := to.Read(buf); err != nil || string(buf[:k]) != fmt.Sprint(i) {
				t.Fatalf("number %d: %q, %v", i, buf[:k], err)
			}
		}
	})
}
