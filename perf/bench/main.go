package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"time"
)

// options are the command line.
type options struct {
	quick, strict bool
	rows          *regexp.Regexp
	plan          plan
	report        string
	profile       string
}

func parse() (options, error) {
	var o options
	quick := flag.Bool("quick", false, "about a minute and a half instead of five")
	strict := flag.Bool("strict", false, "exit with an error when a goal is missed")
	pick := flag.String("row", "", "only the rows whose name matches this regular expression")
	only := flag.String("only", "", `measure one side: "plane" or "gvisor"`)
	d := flag.Duration("time", 0, "time for each row (default 40s, quick 10s)")
	flag.StringVar(&o.report, "report", "report.json", "where the samples go")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	o.quick, o.strict = *quick, *strict
	o.plan = plan{window: 250 * time.Millisecond, row: 40 * time.Second, only: -1}
	if o.quick {
		o.plan.window, o.plan.row = 100*time.Millisecond, 10*time.Second
	}
	if *d > 0 {
		o.plan.row = *d
	}
	for side, name := range sideNames {
		if *only == name {
			o.plan.only = side
		}
	}
	if *only != "" && o.plan.only < 0 || flag.NArg() > 0 {
		return o, errors.New(`usage: bench [flags]; -only is "plane" or "gvisor"`)
	}
	var err error
	o.rows, err = regexp.Compile(*pick)
	return o, err
}

func main() {
	o, err := parse()
	if err == nil {
		switch stage := os.Getenv(stageVar); stage {
		case "":
			err = launch()
		case kernel:
			err = runKernel()
		default:
			err = run(o, stage == isolated)
		}
	}
	var child *exec.ExitError
	if errors.As(err, &child) { // it has said why
		os.Exit(max(child.ExitCode(), 1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures the rows and reports them.
func run(o options, isolated bool) error {
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	rep := newReport()
	rep.head(os.Stdout)
	var stop func()
	for _, r := range rows() {
		if !o.rows.MatchString(r.name) {
			continue
		}
		if r.tap && !isolated {
			fmt.Printf("%-12s skipped: it needs root, for a network namespace of its own\n", r.name)
			continue
		}
		if r.tap && stop == nil {
			var err error
			if stop, err = startKernel(); err != nil {
				return err
			}
			defer stop()
		}
		res := compare(r, o.plan)
		rep.Rows = append(rep.Rows, res)
		res.print(os.Stdout)
	}
	rep.legend(os.Stdout)
	if err := rep.save(o.report); err != nil {
		return err
	}
	return rep.verdict(o.strict)
}
