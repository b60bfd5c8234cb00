package posix

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// release is the kernel's version, as "6.18".
func release(t testing.TB) string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	v := strings.SplitN(unix.ByteSliceToString(u.Release[:]), ".", 3)
	return strings.Join(v[:min(2, len(v))], ".")
}

// signed is the last line of a page: which kernel it is of.
func signed(t testing.TB) string { return "\nThe kernel of this page is Linux " + release(t) + ".\n" }

// differs is what reports a difference: an error beside the kernel that the page is of, a
// line of the log beside another one, which may answer otherwise.
func differs(t testing.TB, page string) func(format string, args ...any) {
	if old, err := os.ReadFile(page); err != nil || *update || strings.HasSuffix(string(old), signed(t)) {
		return t.Errorf
	}
	return t.Logf
}

// comparePage compares the page with what it should be, or writes it.
func comparePage(t *testing.T, page, text string) {
	t.Helper()
	text += signed(t)
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(page)
	if err != nil || string(old) != text {
		differs(t, page)("%s is not what the program finds (%v): go test ./internal/posix -update", page, err)
		was, is := strings.Split(string(old), "\n"), strings.Split(text, "\n")
		for i := range max(len(was), len(is)) {
			if a, b := at(was, i), at(is, i); a != b {
				t.Logf("line %d:\n page  %s\n found %s", i+1, a, b)
				break
			}
		}
	}
}
