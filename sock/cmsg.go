package sock

import (
	"encoding/binary"
	"syscall"
	"time"

	"dataplane/perf"
)

// Control messages, in the format of Linux's struct cmsghdr: what golang.org/x/sys/unix
// and golang.org/x/net read and write. A message is a header, the data, and padding to
// the size of a word.

// Layout of a header: the length is a word, level and type are four bytes each.
const (
	cmsgHdr  = syscall.SizeofCmsghdr
	CmsgWord = cmsgHdr - 8 // bytes of a word of this machine
)

// CmsgSpace is how many bytes a message with n bytes of data takes.
func CmsgSpace(n int) int { return cmsgHdr + (n+CmsgWord-1)&^(CmsgWord-1) }

// Controls writes control messages into B as Linux's put_cmsg does.
type Controls struct {
	B     []byte
	N     int  // bytes written
	Short bool // there was not enough room: MsgCtrunc
}

// Room returns for how many bytes of data there is room in one more message, less
// than 0 if there is none for its header.
func (c *Controls) Room() int { return len(c.B) - c.N - cmsgHdr }

// Put writes one message. What does not fit is cut off.
func (c *Controls) Put(level, typ int, data []byte) {
	left := c.B[c.N:]
	if len(left) < cmsgHdr {
		c.Short = true
		return
	}
	size := cmsgHdr + len(data)
	if size > len(left) {
		c.Short = true
		size = len(left)
	}
	if CmsgWord == 8 {
		binary.NativeEndian.PutUint64(left, uint64(size))
	} else {
		binary.NativeEndian.PutUint32(left, uint32(size))
	}
	binary.NativeEndian.PutUint32(left[CmsgWord:], uint32(level))
	binary.NativeEndian.PutUint32(left[CmsgWord+4:], uint32(typ))
	copy(left[cmsgHdr:size], data)
	end := min(CmsgSpace(len(data)), len(left))
	clear(left[size:end])
	c.N += end
}

// WallTime is the time of day when came was the plane's time.
func WallTime(came perf.Tick) time.Time { return time.Now().Add((came - perf.Now()).Duration()) }

// PutTime says when a message came, as the option typ has it: SO_TIMESTAMP is a struct
// timeval, SO_TIMESTAMPNS a struct timespec, SO_TIMESTAMPING three of them, of which
// software fills the first.
func (c *Controls) PutTime(came perf.Tick, typ int) {
	var data [6 * CmsgWord]byte
	n := 2 * CmsgWord
	at := WallTime(came).UnixNano()
	sec, frac := at/1e9, at%1e9
	switch typ {
	case syscall.SO_TIMESTAMP, soTimestampNew:
		frac /= 1e3
	case soStamping, soStampingNew:
		n = len(data)
	}
	if CmsgWord == 8 {
		native.PutUint64(data[:], uint64(sec))
		native.PutUint64(data[8:], uint64(frac))
	} else {
		native.PutUint32(data[:], uint32(sec))
		native.PutUint32(data[4:], uint32(frac))
	}
	c.Put(syscall.SOL_SOCKET, typ, data[:n])
}

// Control is a control message; Data is borrowed.
type Control struct {
	Level, Type int
	Data        []byte
}

// NextControl returns the first message of b and what follows it. Less than a header is
// none, as for Linux. EINVAL: the length cannot be.
func NextControl(b []byte) (c Control, rest []byte, more bool, err error) {
	if len(b) < cmsgHdr {
		return c, nil, false, nil
	}
	var size uint64
	if CmsgWord == 8 {
		size = binary.NativeEndian.Uint64(b)
	} else {
		size = uint64(binary.NativeEndian.Uint32(b))
	}
	if size < cmsgHdr || size > uint64(len(b)) {
		return c, nil, false, syscall.EINVAL
	}
	c.Level = int(int32(binary.NativeEndian.Uint32(b[CmsgWord:])))
	c.Type = int(int32(binary.NativeEndian.Uint32(b[CmsgWord+4:])))
	c.Data = b[cmsgHdr:size]
	return c, b[min(CmsgSpace(len(c.Data)), len(b)):], true, nil
}
