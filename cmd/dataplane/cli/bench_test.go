package cli

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// result is what the tests look at in the JSON of a measurement.
type result struct {
	Target     string  `json:"target"`
	Saturation float64 `json:"saturation_per_second"`
	Results    []struct {
		Name    string `json:"name"`
		Loop    string `json:"loop"`
		Samples int64  `json:"samples"`
		Hist    string `json:"hdrhistogram"`
	} `json:"results"`
}

// latencyOf runs bench latency and returns its JSON.
func latencyOf(t *testing.T, args string) (r result, out string) {
	t.Helper()
	dir := t.TempDir()
	js, page := filepath.Join(dir, "l.json"), filepath.Join(dir, "l.html")
	all := strings.Fields("bench latency --duration 60ms --warm 10ms " + args + " --json " + js + " --html " + page)
	status, out, errs := run(all...)
	if status != 0 || errs != "" {
		t.Fatalf("%v: status %d, %s%s", all, status, out, errs)
	}
	b, err := os.ReadFile(js)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(page); err != nil || !strings.Contains(string(b), "<svg") {
		t.Errorf("the page: %v\n%s", err, b)
	}
	n := 0
	for _, x := range r.Results { // there may be more: those without the machine's neighbours
		if !strings.HasSuffix(x.Name, ", undisturbed") {
			r.Results[n] = x
			n++
		}
	}
	r.Results = r.Results[:n]
	for _, want := range []string{"p99.9", "samples", "preempted"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	return r, out
}

func TestLatencyOfPair(t *testing.T) {
	for _, args := range []string{"", "--resident", "--spin --connections 3 --seed 5", "--proto udp", "--proto udp --resident"} {
		r, _ := latencyOf(t, "--rate 2000 "+args)
		if len(r.Results) != 1 || r.Results[0].Samples == 0 || r.Results[0].Loop != "open loop" || r.Results[0].Hist == "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

func TestServiceTime(t *testing.T) {
	r, _ := latencyOf(t, "--closed")
	if len(r.Results) != 1 || r.Results[0].Samples == 0 || r.Results[0].Loop != "service time" {
		t.Errorf("%+v", r)
	}
}

func TestLatencyOfSaturation(t *testing.T) {
	if testing.Short() {
		t.Skip("a search takes seconds")
	}
	r, out := latencyOf(t, "--resident")
	if len(r.Results) != 4 || r.Saturation <= 0 || r.Results[2].Name != "50 % load" || !strings.Contains(out, "saturation: ") {
		t.Errorf("%+v\n%s", r, out)
	}
}

// The kernel's sockets, to a server of the kernel.
func TestLatencyOfKernel(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip("no loopback here:", err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 4096)
				for {
					n, err := c.Read(b)
					if err == nil {
						_, err = c.Write(b[:n])
					}
					if err != nil {
						c.Close()
						return
					}
				}
			}()
		}
	}()
	for _, args := range []string{"", "--spin"} {
		// On a crowded machine the process may sleep through the whole measurement.
		for left := 10; ; left-- {
			r, _ := latencyOf(t, "--target kernel --rate 1000 --connect "+l.Addr().String()+" "+args)
			if len(r.Results) == 1 && r.Results[0].Samples > 0 {
				break
			}
			if left == 0 || len(r.Results) != 1 {
				t.Fatalf("%q: %+v", args, r)
			}
		}
	}
}

func TestJitter(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("one P has no thread to spare")
	}
	js, page := filepath.Join(t.TempDir(), "j.json"), filepath.Join(t.TempDir(), "j.html")
	status, out, errs := run("bench", "jitter", "--duration", "20ms", "--rounds", "2", "--json", js, "--html", page)
	if status != 0 || errs != "" {
		t.Fatalf("status %d, %s%s", status, out, errs)
	}
	b, err := os.ReadFile(js)
	var lines []struct{ Application, Thread string }
	if err == nil {
		err = json.Unmarshal(b, &lines)
	}
	if err != nil || len(lines)%3 != 0 || len(lines) < 6 || lines[0].Thread != "lcore" {
		t.Errorf("%+v, %v", lines, err)
	}
	if b, err := os.ReadFile(page); err != nil || strings.Count(string(b), "<svg") != 3 {
		t.Errorf("the page: %v\n%s", err, b)
	}
	for _, want := range []string{">10µs/s", "lcore", "Go loop", "flat out", "preempted/s"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestBenchUsage(t *testing.T) {
	for args, want := range map[string]string{
		"latency --target moon":                            "--target moon",
		"latency --target kernel":                          "--connect",
		"latency --connect 10.0.0.1:7":                     "--connect",
		"latency --rate -1":                                "--rate -1",
		"latency --rate fast":                              "--rate fast",
		"latency --proto sctp":                             "--proto sctp",
		"latency --size 8":                                 "--size 8",
		"latency --proto udp --size 1473":                  "--size 1473",
		"latency --connections 0":                          "--connections 0",
		"latency --duration 1ms":                           "--duration 1ms",
		"latency --target plane --connect 1.2.3.4:7":       "--addr 10.9.0.2/24",
		"latency --mode fast":                              "fast",
		"latency --target kernel --connect x:7 --resident": "--resident",
		"jitter --rounds 0":                                "--rounds 0",
		"echo --target moon":                               "--target moon",
		"echo --target kernel --resident":                  "--resident",
		"echo":                                             "--addr 10.9.0.2/24",
	} {
		status, out, errs := run(strings.Fields("bench " + args)...)
		if status != 2 || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: status %d, %q, %q", args, status, out, errs)
		}
	}
}
