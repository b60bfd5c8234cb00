package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// report is what report.json holds.
type report struct {
	Time    time.Time         `json:"time"`
	Took    time.Duration     `json:"took_ns"`
	Quick   bool              `json:"quick,omitempty"`
	Commit  string            `json:"commit"`
	Go      string            `json:"go"`
	Kernel  string            `json:"kernel"`
	CPU     string            `json:"cpu"`
	CPUs    int               `json:"cpus"`
	Memory  string            `json:"memory"`
	Load    string            `json:"loadavg"`
	LoadEnd string            `json:"loadavg_end"`
	Peers   map[string]string `json:"peers"`
	Softirq string            `json:"softirq"`
	Rows    []*result         `json:"rows"`
}

func newReport() *report {
	return &report{
		Time: time.Now().UTC(), Commit: commit(), Go: runtime.Version(),
		Kernel: firstLine("/proc/sys/kernel/osrelease", ""), CPU: firstLine("/proc/cpuinfo", "model name"),
		CPUs: runtime.NumCPU(), Memory: firstLine("/proc/meminfo", "MemTotal"),
		Load: firstLine("/proc/loadavg", ""), Peers: peers(), Softirq: softirq(),
	}
}

// commit says what was built: by the tool that built it, or by the folder it runs in.
func commit() string {
	rev, dirty := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				rev = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "-dirty"
			}
		}
	}
	if rev == "" {
		return output("git", "describe", "--always", "--dirty")
	}
	return rev + dirty
}

// output returns what a program prints, or "unknown".
func output(name string, arg ...string) string {
	out, err := exec.Command(name, arg...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// peers lists the versions of what the plane is compared with.
func peers() map[string]string {
	out := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			switch m.Path {
			case "gvisor.dev/gvisor", "github.com/valyala/fasthttp":
				out[m.Path] = m.Version
			}
		}
	}
	if v := output("pkg-config", "--modversion", "libdpdk"); v != "unknown" {
		out["libdpdk"] = v
	}
	return out
}

// softirq says where the kernel books the network work that a send on this CPU
// leads to. It is the process's own CPU time, unless the kernel was built to book
// interrupts apart.
func softirq() string {
	switch output("sh", "-c", "zcat /proc/config.gz | grep -c ^CONFIG_IRQ_TIME_ACCOUNTING=y") {
	case "unknown":
		if _, err := os.Stat("/proc/config.gz"); err == nil {
			return "in the CPU time of the process that sends"
		}
		return "not known"
	}
	return "NOT in the process's CPU time (CONFIG_IRQ_TIME_ACCOUNTING): peers in the kernel look cheaper than they are"
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

func (r *report) save(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// verdict is an error when something failed or, if strict, missed its goal.
func (r *report) verdict(strict bool) error {
	var errs []error
	for _, x := range r.Rows {
		if x.Error != "" {
			errs = append(errs, fmt.Errorf("%s: %s", x.Name, x.Error))
		}
		for _, s := range x.Sides {
			if s.Error != "" {
				errs = append(errs, fmt.Errorf("%s: %s: %s", x.Name, s.Name, s.Error))
			}
		}
		for _, g := range x.Goals {
			if strict && g.missed() {
				errs = append(errs, fmt.Errorf("%s: %s: %s, must be %s", x.Name, g.title(), g.show(g.Value.Median), g.limit(g.Must)))
			}
		}
	}
	return errors.Join(errs...)
}

// limit writes a must or an aim.
func (v *verdict) limit(x float64) string {
	if x == 0 {
		return ""
	}
	if v.AtMost || v.Against == "" {
		return "≤ " + v.show(x)
	}
	return "≥ " + v.show(x)
}
