package tcp

// nNear is how many flows are remembered; a power of two.
const (
	nNear    = 128
	nearBits = 7
)

// near is the connection that a flow was found to belong to: the answer of the table,
// at the price of one comparison. Flows that collide only make each other be looked up.
type near struct {
	ends  uint64 // addresses as they stand in the IP header
	gen   uint64 // of Layer.conns; 0: empty
	ports uint32 // as they stand in the TCP header
	s     *Sock
}

// nearTo is the place of a flow.
func (l *Layer) nearTo(ends uint64, ports uint32) *near {
	return &l.near[(ends^uint64(ports)*0xff51afd7ed558ccd)*0x9e3779b97f4a7c15>>(64-nearBits)]
}

// find looks for the connection of g in the table, and remembers it in n, the place of its
// flow. Else g has its name and hash.
func (l *Layer) find(n *near, g *segment) (*Sock, bool) {
	h, k := Header(g.m.Bytes()), &g.key // field by field: a literal is made elsewhere and copied
	k.Local, k.Remote, k.LocalPort, k.RemotePort = g.p.Dst, g.p.Src, h.DstPort(), h.SrcPort()
	g.hash = l.conns.Hash(k)
	s, ok := l.conns.Find(g.hash, k)
	if ok {
		*n = near{g.p.Ends, l.gen, g.ports, s}
	}
	return s, ok
}

// leave takes s out of the table, and the flows that are near.
func (l *Layer) leave(s *Sock) {
	k := s.key()
	l.conns.Remove(s.hash, &k)
	l.gen++
}
