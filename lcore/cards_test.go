package lcore

import (
	"errors"
	"testing"

	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/pmd"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// fakeCard is a fakePort whose frames come to queues by a table, as with RSS.
type fakeCard struct {
	*fakePort
	table  [Flows]uint8
	refuse bool
}

func newCard(queues int) *fakeCard {
	c := &fakeCard{fakePort: newPort(queues, pmd.RSS)}
	for i := range c.table {
		c.table[i] = uint8(i % queues)
	}
	return c
}

func (c *fakeCard) Redirect(table []uint8) error {
	if c.refuse {
		return errors.New("not now")
	}
	copy(c.table[:], table)
	return nil
}

// arrive lets m arrive where the table says.
func (c *fakeCard) arrive(m *mbuf.Mbuf) {
	hash, _ := classify(m.Bytes())
	c.queues[c.table[hash%Flows]].put(m)
}

// newCardRig is newRig on a card.
func newCardRig(t testing.TB, cores int) (*rig, *fakeCard) {
	c := newCard(cores)
	r := newRigOn(t, cores, Shared, Spin, c.fakePort, c)
	r.g.SetMover(noState)
	return r, c
}

// TestCardFollows: a card brings the frames of a moved group to the queue of its new
// owner, in order, be it that some still lie in the old one, and nobody hands them over
// but those. While it refuses everybody does, as with any card.
func TestCardFollows(t *testing.T) {
	r, card := newCardRig(t, 3)
	defer r.close()
	flow := flowFrom(r.g, 1)
	row := FlowOf(Hash4(mapped(hostA), mapped(hostB), flow, 80))
	next, at := uint32(0), -1
	for i := range r.stacks {
		r.stacks[i].input = func(m *mbuf.Mbuf) {
			if _, number := flowOf(m); number != next {
				t.Fatalf("frame %d came as number %d", number, next)
			}
			next++
			at = i
			r.g.cores[i].Pool().Free(m)
		}
	}
	sent, now := uint32(0), perf.Tick(0)
	send := func(n int) {
		for range n {
			card.arrive(r.frame(udp4(t, flow, 80, sent)))
			sent++
		}
	}
	steered := func() (n uint64) {
		for _, c := range r.g.cores {
			n += c.stat.Events[perf.EvSteered]
		}
		return n
	}
	for i := range 60 {
		card.refuse = i%4 == 3
		send(i % 90) // they lie in the old queue
		to := i % 3
		if _, err := r.g.Move(all(), to, now); err != nil {
			t.Fatal(err)
		}
		if next != sent {
			t.Fatalf("round %d: %d of %d frames came before the cores went on", i, next, sent)
		}
		if !card.refuse && int(card.table[row]) != to {
			t.Fatalf("the card brings the group to queue %d, want %d", card.table[row], to)
		}
		before := steered()
		send(10)
		for r.g.Turn(now) {
		}
		if next != sent || at != to {
			t.Fatalf("%d of %d frames came, at core %d, want %d", next, sent, at, to)
		}
		if over := steered() - before; (over != 0) != (int(card.table[row]) != to) {
			t.Fatalf("round %d: %d frames were handed over", i, over)
		}
	}
	var moved, redirected, refused uint64
	for _, c := range r.g.cores {
		e := &c.stat.Events
		moved, redirected, refused = moved+e[perf.EvFlowsMoved], redirected+e[perf.EvRedirected], refused+e[perf.EvRedirectRefused]
	}
	if redirected == 0 || refused == 0 || redirected >= moved {
		t.Errorf("%d groups moved, %d by the card, it refused %d times", moved, redirected, refused)
	}
}

// TestCardCatchesUp: what a card has refused it gets again.
func TestCardCatchesUp(t *testing.T) {
	r, card := newCardRig(t, 2)
	defer r.close()
	card.refuse = true
	for to := range 2 {
		if _, err := r.g.Move(all(), to, 0); err != nil {
			t.Fatal(err)
		}
	}
	old := card.table
	r.g.catchUp(0)
	if card.table != old || r.g.cards[0].behind != all() {
		t.Error("it caught up although it refused")
	}
	card.refuse = false
	r.g.catchUp(0)
	for i, q := range card.table {
		if q != 1 {
			t.Fatalf("group %d comes to queue %d", i, q)
		}
	}
	if e := r.g.cores[0].stat.Events; e[perf.EvRedirected] != Flows || r.g.cards[0].behind != (FlowSet{}) {
		t.Errorf("%d groups redirected", e[perf.EvRedirected])
	}
}

// TestCardAndPieces: a packet without ports, perhaps a piece of one, goes where it always
// went, wherever the card brings it now.
func TestCardAndPieces(t *testing.T) {
	r, card := newCardRig(t, 2)
	defer r.close()
	m := r.frame(encode(t, ether(layers.EthernetTypeIPv4), ip4(hostA, hostB, layers.IPProtocolESP), gopacket.Payload("12345678")))
	hash, place := classify(m.Bytes())
	if place != byAddrs {
		t.Fatal("the frame has ports")
	}
	home := r.g.Owner(hash)
	if _, err := r.g.Move(all(), 1-home, 0); err != nil {
		t.Fatal(err)
	}
	if int(card.table[hash%Flows]) != 1-home {
		t.Fatal("the card did not follow")
	}
	card.arrive(m)
	for r.g.Turn(0) {
	}
	if len(r.stacks[home].got) != 1 || len(r.stacks[1-home].got) != 0 {
		t.Errorf("it came to the other core")
	}
}

// TestCardWithOtherQueues: a card whose queues are not the cores' is left alone.
func TestCardWithOtherQueues(t *testing.T) {
	for _, n := range [][2]int{{3, 2}, {2, 3}, {1, 1}} {
		c := newCard(n[1])
		r := newRigOn(t, n[0], Shared, Spin, c.fakePort, c)
		if len(r.g.cards) != 0 {
			t.Errorf("%d cores follow %d queues", n[0], n[1])
		}
		r.close()
	}
}
