package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is what report.json holds.
type report struct {
	Time   time.Time `json:"time"`
	Commit string    `json:"commit"`
	Go     string    `json:"go"`
	Kernel string    `json:"kernel"`
	CPU    string    `json:"cpu"`
	Load   string    `json:"loadavg"`
	Peer   string    `json:"peer"`
	Rows   []result  `json:"rows"`
}

const peerVersion = "gvisor.dev/gvisor v0.0.0-20260905035102-160fafc42237"

func newReport() *report {
	commit, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	return &report{
		Time: time.Now().UTC(), Commit: strings.TrimSpace(string(commit)), Go: runtime.Version(),
		Kernel: firstLine("/proc/sys/kernel/osrelease", ""), CPU: firstLine("/proc/cpuinfo", "model name"),
		Load: firstLine("/proc/loadavg", ""), Peer: peerVersion,
	}
}

// firstLine returns the first line of a file that begins with key, or nothing.
func firstLine(path, key string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimLeft(strings.TrimSpace(rest), ": \t")
		}
	}
	return ""
}

func (r *report) head(w io.Writer) {
	fmt.Fprintf(w, "%s, %s, Linux %s, %s\nload %s; one CPU, GOMAXPROCS=1; peer %s\n\n", r.Commit, r.Go, r.Kernel, r.CPU, r.Load, r.Peer)
	fmt.Fprintf(w, "%-12s %8s | %9s %9s | %9s %9s | %7s %15s %7s | %11s | %13s\n", "", "",
		"CPU ns/op", "", "wall ns/op", "", "ratio", "", "ratio", "packets/op", "allocs/op")
	fmt.Fprintf(w, "%-12s %8s | %9s %9s | %9s %9s | %7s %15s %7s | %5s %5s | %6s %6s\n", "row", "op",
		"plane", "gvisor", "plane", "gvisor", "CPU", "quartiles", "wall", "plane", "gvis", "plane", "gvis")
}

func (r *result) print(w io.Writer) {
	if r.Error != "" {
		fmt.Fprintf(w, "%-12s FAILED: %s\n", r.Name, r.Error)
		return
	}
	goal := ""
	if r.Goal > 0 && r.Ratio > 0 {
		goal = fmt.Sprintf("goal %.1f: ok", r.Goal)
		if r.Ratio < r.Goal {
			goal = fmt.Sprintf("goal %.1f: MISSED", r.Goal)
		}
	}
	fmt.Fprintf(w, "%-12s %8s | %9.0f %9.0f | %9.0f %9.0f | %6.2fx %6.2f to %5.2f %6.2fx | %5.2f %5.2f | %6.3f %6.2f  %s\n",
		r.Name, r.Unit, r.CPUPerOp[plane], r.CPUPerOp[peer], r.WallPerOp[plane], r.WallPerOp[peer],
		r.Ratio, r.RatioLow, r.RatioHigh, r.RatioWall,
		r.PktsPerOp[plane], r.PktsPerOp[peer], r.AllocsOp[plane], r.AllocsOp[peer], goal)
	if r.Unit == "KiB" {
		fmt.Fprintf(w, "%21s | Gbit for each CPU-second: plane %.2f, gvisor %.2f; Gbit/s: %.2f, %.2f\n", "",
			gbit(r.CPUPerOp[plane]), gbit(r.CPUPerOp[peer]), gbit(r.WallPerOp[plane]), gbit(r.WallPerOp[peer]))
	}
}

// gbit turns nanoseconds for a KiB into Gbit for a second.
func gbit(ns float64) float64 {
	if ns == 0 {
		return 0
	}
	return 1024 * 8 / ns
}

func (r *report) legend(w io.Writer) {
	fmt.Fprint(w, `
CPU ns/op: CPU time of the whole process for one operation (both ends; over TAP our end, with the kernel's work
in our system calls). ratio: gvisor over plane, median of the blocks A B B A. Every payload was verified.
`)
}

func (r *report) save(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// verdict is an error when a row failed or, if strict, missed its goal.
func (r *report) verdict(strict bool) error {
	var errs []error
	for _, x := range r.Rows {
		switch {
		case x.Error != "":
			errs = append(errs, fmt.Errorf("%s: %s", x.Name, x.Error))
		case strict && x.Goal > 0 && x.Ratio > 0 && x.Ratio < x.Goal:
			errs = append(errs, fmt.Errorf("%s: %.2f times gVisor, the goal is %.1f", x.Name, x.Ratio, x.Goal))
		}
	}
	return errors.Join(errs...)
}
