package fuzz

import "dataplane/perf"

// Steps that many seeds share.
var (
	ackAll  = do(opPolite, 0, 0)
	data100 = do(opPolite, 1, 1)
	peerFin = do(opPolite, 3, 0)
	second  = do(opTime, 2, 1)
)

func seedsTCP() []seed {
	return []seed{
		{"plain", join(plain, data100, do(opRead, 0, 200)), events(perf.EvTCPPassiveOpen, perf.EvTCPFastPath), nil},
		{"active", join(active, data100, do(opRead, 0, 200), do(opWrite, 0, 100)), events(perf.EvTCPActiveOpen), nil},
		{"bare", join(bare, data100, do(opWrite, 0, 200), ackAll), events(perf.EvTCPPassiveOpen), nil},
		{"bulk-in", join(full, again(3, do(opPolite, 2, 15)), do(opRead, 0, 255), do(opRead, 0, 255)), events(perf.EvTCPFastPath), nil},
		{"bulk-out", join(full, do(opWrite, 0, 255), again(6, ackAll), do(opWrite, 0, 90), ackAll), nil, nil},
		{"super-segments", join(offload, do(opWrite, 0, 255), again(6, ackAll)), nil, nil},
		{"out-of-order", join(full, seg(ack, 100, 0, 9, 100, 0), data100, data100, do(opRead, 0, 255)), events(perf.EvTCPOutOfOrder), nil},
		{"holes", join(full, seg(ack, 50, 0, 9, 10, 0), seg(ack, 90, 0, 9, 10, 0), seg(ack, 20, 0, 9, 90, 0), seg(ack, -5, 0, 9, 60, 0)),
			events(perf.EvTCPOutOfOrder), nil},
		{"overlap", join(full, data100, seg(ack, -60, 0, 9, 120, 0), seg(ack, -100, 0, 9, 50, 0)), events(perf.EvTCPDuplicateData), nil},
		{"sack", join(full, do(opWrite, 0, 120), seg(ack, 0, 0, 9, 0, modeUna|modeSack, 1, 14, 14, 28, 14), seg(ack, 0, 0, 9, 0, modeUna|modeSack, 0, 14, 60),
			again(3, ackAll)), events(perf.EvTCPDuplicateAck, perf.EvTCPFastRetransmit), nil},
		{"three-duplicates", join(bare, do(opWrite, 0, 120), again(4, do(opPolite, 7, 0)), ackAll), events(perf.EvTCPFastRetransmit), nil},
		{"time-out", join(full, do(opWrite, 0, 120), again(4, second), again(4, ackAll)), events(perf.EvTCPTimeout), nil},
		{"gives-up", join(full, do(opWrite, 0, 20), again(3, do(opTime, 3, 20))), events(perf.EvTCPTimeout), nil},
		{"zero-window", join(full, do(opPolite, 6, 0), do(opWrite, 0, 100), second, second, ackAll), events(perf.EvTCPWindowProbe), nil},
		{"small-reader", join(small, again(4, do(opPolite, 2, 4)), do(opRead, 0, 70), do(opRead, 0, 90), do(opPolite, 2, 3)),
			events(perf.EvTCPZeroWindow), nil},
		{"peer-closes", join(full, data100, peerFin, do(opRead, 0, 255), do(opRead, 0, 1), do(opShut, 0, 0), ackAll), nil, nil},
		{"we-close", join(full, do(opWrite, 0, 50), do(opShut, 0, 1), ackAll, peerFin, do(opTime, 3, 2)), events(perf.EvTCPTimeWait), nil},
		{"both-close", join(full, do(opShut, 0, 1), seg(fin|ack, 0, -1, 9, 0, 0), ackAll, second), events(perf.EvTCPTimeWait), nil},
		{"time-wait-reused", join(full, do(opShut, 0, 1), ackAll, peerFin, second, seg(syn, 9, 0, 255, 0, 0), ackAll),
			events(perf.EvTCPTimeWaitReused), nil},
		{"fin-again", join(full, do(opShut, 0, 1), ackAll, peerFin, seg(fin|ack, -1, 0, 9, 0, 0), second), events(perf.EvTCPTimeWait), nil},
		{"fin-with-holes", join(full, seg(fin|ack, 100, 0, 9, 50, 0), data100, do(opRead, 0, 255)), events(perf.EvTCPOutOfOrder), nil},
		{"orphan", join(full, do(opWrite, 0, 90), do(opShut, 0, 0), data100), events(perf.EvTCPAborted), drops(perf.DropTCPClosed)},
		{"linger-zero", join(full, do(opWrite, 0, 90), do(opShut, 0, 3), ackAll), events(perf.EvTCPResetSent), nil},
		{"peer-resets", join(full, do(opPolite, 4, 0), do(opRead, 0, 9)), events(perf.EvTCPResetReceived), nil},
		{"simultaneous-open", join(full, do(opOpen, 3, 0), do(opSegment, 1, syn, 0, 0, 200, 0, 0), do(opSegment, 1, syn|ack, 0, 0, 200, 0, modeEdge), do(opPolite, 1, 16+1)),
			events(perf.EvTCPActiveOpen), nil},
		{"refused", join(full, do(opOpen, 3, 0), do(opSegment, 1, rst|ack, 0, 0, 0, 0, 0)), events(perf.EvTCPOpenFailed), nil},
		{"no-answer", join(full, do(opOpen, 3, 0), again(3, do(opTime, 3, 1))), events(perf.EvTCPRetransmit, perf.EvTCPOpenFailed), nil},
		{"keep-alive", join(full, do(opOption, 0, 9|16), do(opOption, 0, 3), do(opOption, 0, 4), do(opOption, 0, 5), again(8, second)),
			events(perf.EvTCPKeepAlive), nil},
		{"nagle", join(full, again(3, do(opWrite, 0, 9)), do(opOption, 0, 0|16), again(3, do(opWrite, 0, 9)), do(opOption, 0, 2|16), do(opWrite, 0, 9), second, do(opOption, 0, 2)), nil, nil},
		{"backlog", join(full, do(opSegment, 4, syn, 0, 0, 255, 0, modeNew), do(opSegment, 8, syn, 0, 0, 255, 0, modeNew), do(opSegment, 12, syn, 0, 0, 255, 0, modeNew),
			do(opPolite, 0, 16), do(opPolite, 0, 32), do(opPolite, 0, 48), do(opOpen, 0, 0), do(opOpen, 0, 0)), events(perf.EvTCPPassiveOpen), nil},
		{"unfinished", join(full, do(opSegment, 4, syn, 0, 0, 255, 0, modeNew), do(opTime, 3, 2)), events(perf.EvTCPRetransmit), nil},
		{"path-mtu", join(full, do(opWrite, 0, 120), do(opICMP, 0, 3, 4, 2, 0x58, 0), again(4, ackAll)), events(perf.EvPathMTULowered), nil},
		{"listener-closes", join(full, do(opSegment, 4, syn, 0, 0, 255, 0, modeNew), do(opPolite, 0, 16), do(opSegment, 8, syn, 0, 0, 255, 0, modeNew), do(opShut, 3, 0)),
			events(perf.EvTCPResetSent), nil},
		{"header-in-two", join(split, do(opHold, 7, 50), data100, do(opHold, 7, 20), data100, do(opHold, 7, 1), data100), nil, drops(perf.DropTCPShort)},
	}
}
