package nic

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// Modes of the entries of an archive (cpio(5)).
const (
	modeDir  = 0o040755
	modeFile = 0o100755
	modeChar = 0o020600
)

// cpio writes an archive in the form that Linux unpacks as its first file system:
// "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).
type cpio struct {
	w     *bufio.Writer
	inode int
	err   error
}

func newCpio(w io.Writer) *cpio { return &cpio{w: bufio.NewWriterSize(w, 1<<20)} }

func (c *cpio) dir(name string)               { c.entry(name, modeDir, nil, 0, 0) }
func (c *cpio) file(name string, data []byte) { c.entry(name, modeFile, data, 0, 0) }

// device is a character device.
func (c *cpio) device(name string, major, minor int) { c.entry(name, modeChar, nil, major, minor) }

func (c *cpio) close() error {
	c.entry("TRAILER!!!", 0, nil, 0, 0)
	if c.err != nil {
		return c.err
	}
	return c.w.Flush()
}

func (c *cpio) entry(name string, mode int, data []byte, major, minor int) {
	if c.err != nil {
		return
	}
	c.inode++
	head := "070701"
	for _, n := range []int{c.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
		head += fmt.Sprintf("%08X", n)
	}
	head += name + "\x00"
	_, c.err = c.w.WriteString(head + pad(len(head)))
	if c.err == nil && len(data) > 0 {
		if _, c.err = c.w.Write(data); c.err == nil {
			_, c.err = c.w.WriteString(pad(len(data)))
		}
	}
}

// pad fills up to a multiple of 4.
func pad(n int) string { return "\x00\x00\x00"[:-n&3] }

// What cpio itself reads of it.
func TestCpio(t *testing.T) {
	path, err := exec.LookPath("cpio")
	if err != nil {
		t.Skip("no cpio to compare with")
	}
	var b bytes.Buffer
	c := newCpio(&b)
	c.dir("dev")
	c.device("dev/console", 5, 1)
	c.file("init", []byte("hello"))
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-itv", "--quiet")
	cmd.Stdin = &b
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"drwxr-xr-x", "dev/console", "5,   1", "-rwxr-xr-x", "  5 ", "init"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q is missing, %v:\n%s", want, err, out)
		}
	}
}
