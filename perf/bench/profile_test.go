package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/pprof/profile"
)

func TestProfilesAreJoined(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu")
	rows := []row{{name: "a"}, {name: "not-measured"}, {name: "b"}}
	if err := joinProfiles(file, rows); err == nil {
		t.Error("no parts, and no error")
	}
	for _, name := range []string{"a", "b"} {
		stop, err := startProfile(file, name)
		if err != nil {
			t.Fatal(err)
		}
		stop()
	}
	if err := joinProfiles(file, rows); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := profile.Parse(f); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(file + ".*")
	if len(left) > 0 {
		t.Error("parts are left: ", left)
	}
}
