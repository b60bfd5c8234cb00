package unix

import (
	"encoding/binary"
	"os"
	"syscall"

	"dataplane/sock"
)

// Table is where the plane has its descriptors. Its methods may be called by any
// goroutine, and call nothing of this package but what a File does when it is let go.
type Table interface {
	// Hold returns what a descriptor stands for, which stays open until it is let go.
	// EBADF: there is none.
	Hold(fd int) (File, error)
	// Install takes f, which is held, and gives it the lowest free descriptor. EMFILE:
	// there is none; then the caller still has f.
	Install(f File) (int, error)
}

// File is what descriptors stand for (an open file description).
type File interface {
	Hold() // once more
	Let()  // once less; the last one closes it
}

// rights are descriptors on their way (SCM_RIGHTS). They are held until somebody takes
// them, or drop.
type rights struct {
	f     *Family
	from  *endpoint // of a message
	files []File
}

// add takes descriptors along.
func (r *rights) add(f *Family, data []byte) error {
	n := len(data) / 4
	switch {
	case f.files == nil:
		return syscall.EBADF
	case len(r.files)+n > maxDescriptor:
		return syscall.EINVAL
	}
	for ; len(data) >= 4; data = data[4:] {
		x, err := f.files.Hold(int(int32(binary.NativeEndian.Uint32(data))))
		if err != nil {
			return err
		}
		if f.inFlight.Add(1) > maxInFlight { // sockets may lie in each other's queues: they are few
			f.inFlight.Add(-1)
			x.Let()
			return syscall.ETOOMANYREFS
		}
		r.files = append(r.files, x)
	}
	return nil
}

// drop closes what nobody took. The receiver may be nil. It may close sockets of the
// family: not under mu.
func (r *rights) drop() {
	if r == nil {
		return
	}
	for _, x := range r.files {
		x.Let()
	}
	r.f.inFlight.Add(-int32(len(r.files)))
	r.files = nil
}

// parse reads what a sender asks for: descriptors, held, or nil. Messages of other levels
// are not looked at. Errors: EINVAL, EPERM (credentials of others), EBADF, ETOOMANYREFS.
func (e *endpoint) parse(b []byte) (*rights, error) {
	var r *rights
	for len(b) > 0 {
		c, rest, more, err := sock.NextControl(b)
		if err == nil && !more {
			break
		}
		if b = rest; err == nil && c.Level == syscall.SOL_SOCKET {
			switch c.Type {
			case syscall.SCM_RIGHTS:
				if r == nil {
					r = &rights{f: e.f}
				}
				err = r.add(e.f, c.Data)
			case syscall.SCM_CREDENTIALS:
				err = mayBe(c.Data)
			default:
				err = syscall.EINVAL
			}
		}
		if err != nil {
			r.drop()
			return nil, err
		}
	}
	if r != nil && len(r.files) == 0 {
		r = nil
	}
	return r, nil
}

// credentials is a struct ucred.
type credentials struct {
	pid      int32
	uid, gid uint32
}

const sizeofCredentials = 12

func (c credentials) bytes() (b [sizeofCredentials]byte) {
	binary.NativeEndian.PutUint32(b[0:], uint32(c.pid))
	binary.NativeEndian.PutUint32(b[4:], c.uid)
	binary.NativeEndian.PutUint32(b[8:], c.gid)
	return b
}

// mayBe checks the credentials that a sender gives: nobody is here but this process.
func mayBe(b []byte) error {
	if len(b) != sizeofCredentials {
		return syscall.EINVAL
	}
	pid, uid, gid := int(int32(binary.NativeEndian.Uint32(b))), int(binary.NativeEndian.Uint32(b[4:])), int(binary.NativeEndian.Uint32(b[8:]))
	if pid != os.Getpid() || uid != os.Getuid() && uid != os.Geteuid() || gid != os.Getgid() && gid != os.Getegid() {
		return syscall.EPERM
	}
	return nil
}

// controls writes the control messages of what was received into m, in Linux's order:
// credentials, descriptors. With MSG_PEEK descriptors are copies.
func (e *endpoint) controls(m *sock.Msg, r *rights, flags int) {
	if r == nil && !e.passCred.Load() {
		return
	}
	c := sock.Controls{B: m.Control}
	if e.passCred.Load() {
		b := credentials{int32(os.Getpid()), uint32(os.Getuid()), uint32(os.Getgid())}.bytes()
		c.Put(syscall.SOL_SOCKET, syscall.SCM_CREDENTIALS, b[:])
	}
	if r != nil {
		r.receive(&c, flags&sock.MsgPeek != 0)
	}
	if m.NControl = c.N; c.Short {
		m.Flags |= sock.MsgCtrunc
	}
}

// receive gives as many descriptors as there is room for, and lets go of the others.
func (r *rights) receive(c *sock.Controls, peek bool) {
	room := max(c.Room(), 0) / 4
	var fds []byte
	left := &rights{f: r.f, files: r.files}
	for range min(room, len(r.files)) {
		x := left.files[0]
		if peek {
			x.Hold()
		}
		fd, err := r.f.files.Install(x)
		if err != nil {
			if peek {
				x.Let()
			}
			break
		}
		fds = binary.NativeEndian.AppendUint32(fds, uint32(fd))
		left.files = left.files[1:]
	}
	c.Short = c.Short || len(left.files) > 0
	if len(fds) > 0 {
		c.Put(syscall.SOL_SOCKET, syscall.SCM_RIGHTS, fds)
	}
	if !peek {
		r.f.inFlight.Add(-int32(len(r.files) - len(left.files)))
		left.drop()
	}
}
