package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dataplane/cmd/dataplane/demo"
)

// run runs the command line in this process.
func run(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = Main(args, &o, &e)
	return status, o.String(), e.String()
}

func TestHelp(t *testing.T) {
	for args, want := range map[string][]string{
		"":             {"demo", "serve", "version", "Examples:"},
		"--help":       {"demo", "serve", "version"},
		"serve --help": {"--host-addr", "--impair", "iperf3 -c 10.9.0.2", "ports:", "SIGTERM"},
		"demo --help":  {"namespace", "--wire", "Ctrl-C"},
	} {
		status, out, errs := run(strings.Fields(args)...)
		if status != 0 || errs != "" {
			t.Errorf("%q: status %d, %s", args, status, errs)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%q lacks %q:\n%s", args, w, out)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	status, out, _ := run("version")
	if status != 0 || !strings.Contains(out, "go1.") || !strings.Contains(out, "tap") || strings.Count(out, "\n") != 1 {
		t.Errorf("%d %q", status, out)
	}
}

// A wrong command line: status 2, one line that says what is wrong, nothing else.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"start":                        `unknown command "start"`,
		"serve --nope":                 "unknown flag: --nope",
		"--nope":                       "unknown flag: --nope",
		"serve now":                    `takes no argument, got "now"`,
		"serve --mtu x":                "--mtu",
		"serve":                        "--addr 10.9.0.2/24",
		"serve --addr 10.9.0.2":        "ADDRESS/BITS",
		"serve --addr x/y --mode auto": "addrs",
		"demo --time 1h":               "--time",
		"demo --time soon":             "--time",
		"version 1":                    "takes no argument",
	} {
		status, out, errs := run(strings.Fields(args)...)
		if status != 2 || out != "" || !strings.HasPrefix(errs, "dataplane: ") || !strings.Contains(errs, want) ||
			strings.Count(errs, "\n") != 1 || strings.Count(errs, "dataplane: ") != 1 {
			t.Errorf("%q: status %d, %q, %q", args, status, out, errs)
		}
	}
}

// What cannot be done: status 1 and one line.
func TestCannot(t *testing.T) {
	for args, want := range map[string]string{
		"serve --driver foo --addr 10.9.0.2/24": `unknown driver "foo" (known: `,
		"serve -c /nonexistent":                 "cannot read /nonexistent",
		"serve --driver wire --device cli:0 --addr 10.9.0.2/24 --services http,http":  "address already in use",
		"serve --driver wire --device cli:0 --addr 10.9.0.2/24 --capture /nonexist/x": "no such file",
	} {
		status, out, errs := run(strings.Fields(args)...)
		if status != 1 || out != "" || !strings.HasPrefix(errs, "dataplane: ") || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: status %d, %q, %q", args, status, out, errs)
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		err   error
		want  int
		lines int
	}{
		{nil, 0, 0},
		{errors.New("x"), 1, 1},
		{errors.Join(errors.New("x"), errors.New("y")), 1, 2},
		{usage{errors.New("x")}, 2, 1},
		{demo.ErrInterrupted, 130, 0},
		{fmt.Errorf("wrapped: %w", &demo.Exit{Status: 7}), 7, 0},
	} {
		var b bytes.Buffer
		if got := status(c.err, &b); got != c.want || strings.Count(b.String(), "\n") != c.lines {
			t.Errorf("%v: %d, %q", c.err, got, b.String())
		}
	}
}
