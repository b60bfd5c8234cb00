package tcp

import "fmt"

func (s *Sock) Dump() string {
	return fmt.Sprintf("%v queued %v\nsnd %+v\nrcv %+v\nloss %+v\nwin %+v\nrtx %+v dack %+v\n", s.state, s.queued, s.snd, s.rcv, s.loss, s.win, s.rtx, s.dack)
}
