package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	quick, strict bool
	pick          string
	plan          plan
	total         time.Duration
	report        string
	html          string
	profile       string
}

func parse() (options, error) {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "only the rows in memory, within a minute")
	flag.BoolVar(&o.strict, "strict", false, "exit with an error when a must is missed")
	flag.StringVar(&o.pick, "row", "", `only the rows of these numbers ("4", "4a,18") or whose name matches this regular expression`)
	only := flag.String("only", "", `measure these sides alone, as "goroutine,gvisor"`)
	flag.DurationVar(&o.plan.row, "time", 0, "time for each row; default: a share of -total")
	flag.DurationVar(&o.total, "total", 0, "time for all rows (default 9m, quick 40s)")
	flag.DurationVar(&o.plan.window, "window", 0, "length of a window (default 200ms, quick 80ms)")
	flag.StringVar(&o.report, "report", "report.json", "where the samples go")
	flag.StringVar(&o.html, "html", "report.html", "where the picture goes")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of all rows and sides that are measured to this file")
	flag.Parse()
	if *only != "" {
		o.plan.only = strings.Split(*only, ",")
	}
	def := func(p *time.Duration, normal, quick time.Duration) {
		if *p == 0 && o.quick {
			*p = quick
		} else if *p == 0 {
			*p = normal
		}
	}
	def(&o.total, 9*time.Minute, 40*time.Second)
	def(&o.plan.window, 200*time.Millisecond, 80*time.Millisecond)
	if flag.NArg() > 0 {
		return o, errors.New("usage: bench [flags]; see -help")
	}
	_, err := regexp.Compile(o.pick)
	return o, err
}

// rows is the table, for a quick run without what is extra.
func (o *options) rows() []row {
	all := rows()
	if o.quick {
		for i := range all {
			all[i] = all[i].lean()
		}
	}
	return all
}

// chosen returns the rows to measure.
func (o *options) chosen() []row {
	var out []row
	re := regexp.MustCompile(o.pick)
	numbers := numbersOf(o.pick)
	for _, r := range o.rows() {
		number := strings.TrimRight(r.num, "abcdefgh")
		switch {
		case o.quick && (r.slow || r.num == "" || r.rooted()):
		case numbers != nil && !slices.Contains(numbers, r.num) && !slices.Contains(numbers, number):
		case numbers == nil && !re.MatchString(r.name):
		default:
			out = append(out, r)
		}
	}
	return out
}

// numbersOf returns the rows of "1,4a,18"; nil: that is no list of numbers.
func numbersOf(pick string) []string {
	if !regexp.MustCompile(`^[0-9]+[a-z]?(,[0-9]+[a-z]?)*$`).MatchString(pick) {
		return nil
	}
	return strings.Split(pick, ",")
}

// rooted reports whether no side of ours can do without root.
func (r *row) rooted() bool {
	for _, s := range r.sides {
		if s.plane && !s.root {
			return false
		}
	}
	return true
}

func main() {
	o, err := parse()
	if err == nil {
		switch stage := os.Getenv(stageVar); stage {
		case "":
			err = runAll(o)
		case kernel:
			err = runKernel()
		case kernelEcho:
			err = runKernelEcho()
		case kernelClient:
			err = runEchoClient()
		default:
			err = runRow(o, stage)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
