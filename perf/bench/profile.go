package main

import (
	"errors"
	"io/fs"
	"os"
	"runtime/pprof"

	"github.com/google/pprof/profile"
)

// partOf is the file for the part of a CPU profile that one row's process writes.
func partOf(file, row string) string { return file + "." + row }

// startProfile begins the part of a row, for which stop ends it. Without a file it does nothing.
func startProfile(file, row string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(partOf(file, row))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// joinProfiles makes one CPU profile of the parts of rows, and removes those. A row that could
// not be measured has none. Each weighs what its time was.
func joinProfiles(file string, rows []row) error {
	var parts []*profile.Profile
	for i := range rows {
		name := partOf(file, rows[i].name)
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		p, err := profile.Parse(f)
		f.Close()
		os.Remove(name)
		if err == nil {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return errors.New("no row has left a profile")
	}
	whole, err := profile.Merge(parts)
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(whole.Write(out), out.Close())
}
