package inet

import (
	"testing"

	"dataplane/sock"
)

// between is a Source whose socket is read on another lcore while it is asked.
type between struct {
	s  *sock.Socket
	to sock.Name
}

func (b *between) Datagram(i int) (*sock.Msg, [][]byte, error) {
	b.s.SetLast(i)
	return &sock.Msg{Name: b.to, Named: true}, [][]byte{{byte(i)}}, nil
}

// All datagrams of a batch leave, in order, also while readers change the lcore that
// answers are sent from.
func TestDgramBatchWhileRead(t *testing.T) {
	a, b := beds(t, 2)
	from, to := a.socket(sock.TypeDgram), b.socket(sock.TypeDgram)
	must(t, from.Ops.Bind(from, a.at(0)))
	must(t, to.Ops.Bind(to, b.at(0)))
	name, _ := to.Names()
	from.Wr.Lock()
	n, err := from.SendBatch(&between{from, name}, 2, 0)
	from.Wr.Unlock()
	if n != 2 || err != nil {
		t.Fatalf("%d were taken, %v", n, err)
	}
	buf := make([]byte, 9)
	for i := range 2 {
		if n, err := to.Recv(buf, 0); n != 1 || err != nil || buf[0] != byte(i) {
			t.Fatalf("datagram %d: %x, %v", i, buf[:n], err)
		}
	}
}
