package pcap

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"
)

// Every length of padding, with and without a queue, reads back.
func TestPacketBlock(t *testing.T) {
	for _, queue := range []int{-1, 0, 3} {
		var file bytes.Buffer
		w := &writer{buf: bufio.NewWriter(&file)}
		head, err := pcapgo.NewNgWriter(&file, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := head.Flush(); err != nil {
			t.Fatal(err)
		}
		const at = 1_700_000_000_123_456_789
		for n := range 9 {
			if err := w.packet(block{at: at + int64(n), dir: sent, queue: queue}, make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		w.buf.Flush()
		got := read(t, file.Bytes())
		if len(got) != 9 {
			t.Fatalf("queue %d: %d of 9 packets", queue, len(got))
		}
		for n, c := range got {
			if len(c.data) != n || c.at != at+int64(n) || c.dir != outbound || c.queue != queue {
				t.Errorf("queue %d: packet %d is %+v", queue, n, c)
			}
		}
	}
}

func TestPacketBlockAllocatesNothing(t *testing.T) {
	w := &writer{buf: bufio.NewWriter(discard{}), block: make([]byte, 0, 64)}
	p := make([]byte, 1499)
	if n := testing.AllocsPerRun(100, func() {
		if err := w.packet(block{at: 5, dir: received, queue: 1}, p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a packet", n)
	}
}
