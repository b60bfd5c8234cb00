package pcap

import (
	"bufio"
	"io"
	"runtime"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

const fileBuffer = 64 << 10

// writer turns records into pcapng blocks. One goroutine at a time uses it.
type writer struct {
	buf    *bufio.Writer
	head   *pcapgo.NgWriter // writes the file's head and foot
	tracks []*track
	epoch  time.Time // what tick 0 is called in the file
	last   time.Time
	frame  []byte
	block  []byte // scratch for what surrounds a frame
	err    error  // the first one; nothing is written after it
}

func newWriter(w io.Writer, name string, epoch time.Time, tracks []*track) *writer {
	wr := &writer{buf: bufio.NewWriterSize(w, fileBuffer), tracks: tracks, epoch: epoch, last: epoch}
	wr.head, wr.err = pcapgo.NewNgWriterInterface(wr.buf,
		pcapgo.NgInterface{Name: name, LinkType: layers.LinkTypeEthernet, TimestampResolution: 9},
		pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
			Application: "dataplane", OS: runtime.GOOS, Hardware: runtime.GOARCH,
		}})
	if wr.err == nil {
		wr.err = wr.head.Flush() // whatever it buffers goes before the first packet
	}
	return wr
}

// drain writes every published record, oldest first, and returns how many.
func (w *writer) drain() int {
	for n := 0; ; n++ {
		queue, rec, ok := w.oldest()
		if !ok {
			return n
		}
		w.write(queue, rec)
	}
}

// oldest chooses among the first records of all queues.
func (w *writer) oldest() (queue int, rec record, ok bool) {
	for i, t := range w.tracks {
		if r, there := t.peek(); there && (!ok || r.at < rec.at) {
			queue, rec, ok = i, r, true
		}
	}
	return queue, rec, ok
}

func (w *writer) write(queue int, rec record) {
	if cap(w.frame) < rec.length {
		w.frame = make([]byte, rec.length)
	}
	p := w.frame[:rec.length]
	w.tracks[queue].pop(p)
	if w.err != nil {
		return
	}
	w.last = w.epoch.Add(rec.at.Duration())
	b := block{at: w.last.UnixNano(), dir: rec.dir, queue: queue}
	if len(w.tracks) == 1 {
		b.queue = -1
	}
	w.err = w.packet(b, p)
}

// flush hands what is buffered to the file.
func (w *writer) flush() error {
	if w.err == nil {
		w.err = w.buf.Flush()
	}
	return w.err
}

// finish writes what is left and the statistics.
func (w *writer) finish() error {
	w.drain()
	if w.flush() == nil {
		s := pcapgo.NgInterfaceStatistics{StartTime: w.epoch, EndTime: w.last, LastUpdate: w.last}
		for _, t := range w.tracks {
			s.PacketsReceived += t.seen.Load()
			s.PacketsDropped += t.dropped.Load()
		}
		w.err = w.head.WriteInterfaceStats(0, s)
	}
	if w.err == nil {
		w.err = w.head.Flush()
	}
	return w.flush()
}
