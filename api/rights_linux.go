package api

import (
	"dataplane/unix"
)

// descriptors is a Posix as AF_UNIX sees it, which passes descriptors on (SCM_RIGHTS).
type descriptors Posix

var (
	_ unix.Table = (*descriptors)(nil)
	_ unix.File  = (*file)(nil)
)

// Hold returns what fd stands for, which stays open until it is let go.
func (d *descriptors) Hold(fd int) (unix.File, error) {
	t := &d.files
	t.mu.Lock()
	defer t.mu.Unlock()
	f, err := t.get(fd)
	if err != nil {
		return nil, err
	}
	f.refs++
	return f, nil
}

// Install gives f, which is held, a descriptor in place of that.
func (d *descriptors) Install(x unix.File) (int, error) {
	f := x.(*file) //nolint:forcetypeassert // there are no others
	fd, err := d.files.add(f, 0)
	if err == nil {
		d.files.mu.Lock()
		f.refs--
		d.files.mu.Unlock()
	}
	return fd, err
}

// Hold keeps f open once more.
func (f *file) Hold() {
	t := &f.n.posix.files
	t.mu.Lock()
	f.refs++
	t.mu.Unlock()
}

// Let undoes a Hold, and closes f if it was the last.
func (f *file) Let() {
	t := &f.n.posix.files
	t.mu.Lock()
	f.refs--
	last := f.refs == 0
	t.mu.Unlock()
	if last {
		f.end() //nolint:errcheck // nobody asks
	}
}

// end closes what no descriptor stands for any more.
func (f *file) end() error {
	if f.ep != nil {
		f.ep.Close()
		return nil
	}
	return plainErrno(f.n.close(f.s))
}
