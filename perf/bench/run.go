package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"
)

// runAll measures the rows, one process each, and reports them.
func runAll(o options) error {
	rep := newReport()
	rep.Quick = o.quick
	rep.head(os.Stdout)
	chosen := o.chosen()
	shares := o.shares(chosen)
	for i, r := range chosen {
		start := time.Now()
		res := child(r, shares[i])
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
	return rep.verdict(o.strict)
}

// shares divides the time among the rows by their weights.
func (o *options) shares(rows []row) []time.Duration {
	sum := 0.0
	weight := func(r *row) float64 {
		if r.weight == 0 {
			return 1
		}
		return r.weight
	}
	for i := range rows {
		sum += weight(&rows[i])
	}
	out := make([]time.Duration, len(rows))
	for i := range rows {
		out[i] = o.plan.row
		if out[i] == 0 {
			out[i] = min(time.Duration(float64(o.total)*weight(&rows[i])/sum), time.Minute)
		}
	}
	return out
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
	for _, r := range rows() {
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
