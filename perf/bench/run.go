package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// runAll measures the rows, one process each, and reports them.
func runAll(o options) error {
	rep := newReport()
	rep.Quick = o.quick
	rep.head(os.Stdout)
	chosen := o.chosen()
	for i, r := range chosen {
		start := time.Now()
		res := child(r, o.share(chosen[i:], time.Since(rep.Time)))
		res.Took = time.Since(start).Round(100 * time.Millisecond).String()
		rep.Rows = append(rep.Rows, res)
		res.print(os.Stdout)
	}
	rep.Took = time.Since(rep.Time).Round(time.Second)
	rep.LoadEnd = firstLine("/proc/loadavg", "")
	rep.summary(os.Stdout)
	if err := rep.save(o.report); err != nil {
		return err
	}
	if err := rep.saveHTML(o.html); err != nil {
		return err
	}
	fmt.Printf("%s, %s\n", o.report, o.html)
	if o.profile != "" {
		if err := joinProfiles(o.profile, chosen); err != nil {
			return fmt.Errorf("%s: %w", o.profile, err)
		}
	}
	return rep.verdict(o.strict)
}

// share is the time for the first of the rows that are left: its part of the time
// that is left, by weight. What rows take beyond their windows comes off the others.
func (o *options) share(left []row, elapsed time.Duration) time.Duration {
	if o.plan.row > 0 {
		return o.plan.row
	}
	sum := 0.0
	for i := range left {
		sum += left[i].share(o.quick)
	}
	d := time.Duration(float64(o.total-elapsed) * left[0].share(o.quick) / sum)
	return min(max(d, leastShare), time.Minute)
}

// leastShare is what a row gets when there is no time left.
const leastShare = 500 * time.Millisecond

// share is the row's weight. A quick run has no time for rare percentiles.
func (r *row) share(quick bool) float64 {
	switch {
	case r.weight == 0:
		return 1
	case quick:
		return min(r.weight, 2)
	}
	return r.weight
}

// child measures a row in another process. Whatever that does, this returns.
func child(r row, share time.Duration) *result {
	failed := func(err error) *result {
		res := newResult(r)
		res.Error = err.Error()
		return res
	}
	if err := r.check(); err != nil {
		return failed(err)
	}
	out, wait, err := startRow(&r, share)
	if err != nil {
		return failed(err)
	}
	// The row is told twice: before its sides are closed, and after.
	var res *result
	for dec := json.NewDecoder(out); ; {
		var next *result
		if err = dec.Decode(&next); err != nil {
			break
		}
		res = next
	}
	werr := wait()
	switch {
	case res == nil:
		return failed(fmt.Errorf("no result: %v, %v", err, werr))
	case werr != nil && res.Error == "":
		res.Error = fmt.Sprintf("after the measurement: %v", werr)
	case err != io.EOF && res.Error == "":
		res.Error = err.Error()
	}
	return res
}

// runRow is the process that measures one row.
func runRow(o options, stage string) error {
	name := os.Getenv(rowVar)
	share, err := time.ParseDuration(os.Getenv(shareVar))
	if err != nil {
		return err
	}
	o.plan.row = share
	manyFiles()
	if stage == isolated {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	stop, err := startProfile(o.profile, name)
	if err != nil {
		return err
	}
	defer stop()
	for _, r := range o.rows() {
		if r.name != name {
			continue
		}
		enc := json.NewEncoder(os.NewFile(resultFD, "result"))
		res, finish := compare(r, o.plan, stage == isolated)
		if err := enc.Encode(res); err != nil {
			return err
		}
		finish()
		return enc.Encode(res)
	}
	return fmt.Errorf("there is no row %q", name)
}
