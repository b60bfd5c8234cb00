package fuzz

import "dataplane/perf"

// seedsAttacks are what attackers try; none may do more than is said.
func seedsAttacks() []seed {
	return []seed{
		{"land", join(full, do(opRaw, 4, 0, 54,
			2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 1,
			0, 80, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 16, 0, 0, 0, 0, 0)), nil, drops(perf.DropIPSource)},
		{"null-xmas", join(full, seg(0, 0, 0, 9, 0, 0), seg(fin|psh|32, 0, 0, 9, 0, 0), seg(syn|fin, 0, 0, 9, 0, modeNew), seg(syn|rst, 0, 0, 9, 0, modeNew)),
			nil, drops(perf.DropTCPState)},
		{"blind-reset", join(full, again(3, seg(rst, 9, 0, 0, 0, 0)), data100), events(perf.EvTCPChallengeAck), drops(perf.DropTCPReset)},
		{"blind-syn", join(full, seg(syn, 9, 0, 0, 0, 0), seg(syn, -99, 0, 0, 0, modeFar), data100), events(perf.EvTCPChallengeAck), drops(perf.DropTCPSyn)},
		{"blind-data", join(full, seg(ack, 0, 100, 9, 50, modeSteps), seg(ack, 0, -120, 9, 50, modeSteps), data100), events(perf.EvTCPChallengeAck), drops(perf.DropTCPAck)},
		{"challenge-flood", join(full, do(opMany, 5, 255, 0), data100), events(perf.EvTCPChallengeLimited), drops(perf.DropTCPReset)},
		{"future-ack", join(full, do(opWrite, 0, 120), seg(ack, 0, 1, 9, 0, 0), seg(ack, 0, 100, 9, 0, modeSteps)), nil, drops(perf.DropTCPAck)},
		{"syn-flood", join(full, do(opMany, 0, 60, 1), do(opSegment, 4, syn, 0, 0, 255, 0, modeNew), do(opPolite, 0, 16), do(opOpen, 0, 0), do(opPolite, 1, 17)),
			events(perf.EvTCPCookieSent, perf.EvTCPCookieAccepted), nil},
		{"zero-window-stress", join(full, again(4, join(nil, do(opSegment, 4, syn, 0, 0, 0, 0, modeNew), do(opPolite, 6, 16)))), events(perf.EvTCPPassiveOpen), nil},
		{"gaps", join(full, do(opMany, 4, 200, 0), data100), events(perf.EvTCPOutOfOrder), drops(perf.DropTCPMemory)},
		{"sack-panic", join(plain, do(opSegment, 4, syn, 0, 0, 255, 0, modeNew|modeOpts, 8, 2, 4, 0, 48, 4, 2, 1, 1), do(opPolite, 0, 16), do(opOpen, 0, 0), do(opWrite, 0, 255),
			do(opSegment, 1, ack, 0, 0, 99, 0, modeUna|modeOpts, 20, 1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0, 0, 0, 0xff, 0, 0, 9), do(opPolite, 0, 16)),
			events(perf.EvTCPPassiveOpen), nil},
		{"icmp-hard", join(full, do(opWrite, 0, 90), do(opICMP, 0, 3, 3, 0, 0, 0), do(opICMP, 0, 3, 2, 0, 0, 0), do(opICMP, 0, 3, 1, 0, 0, 0x9c), data100),
			events(perf.EvICMPErrorTaken), drops(perf.DropICMPStale)},
		{"source-quench", join(full, do(opWrite, 0, 90), do(opICMP, 0, 4, 0, 0, 0, 0), do(opICMP, 0, 5, 1, 0, 0, 0)), nil, drops(perf.DropICMPType)},
		{"tiny-path", join(full, do(opWrite, 0, 120), do(opICMP, 0, 3, 4, 0, 0, 0), do(opICMP, 0, 3, 4, 0, 68, 0), do(opICMP, 0, 3, 4, 1, 40, 0), again(4, ackAll)),
			events(perf.EvPathMTULowered), nil},
		{"paws", join(full, second, data100, seg(ack, 0, 0, 9, 20, modeTS, 0x80), data100), nil, drops(perf.DropTCPPAWS)},
		{"no-timestamp", join(full, seg(ack, 0, 0, 9, 20, modeTS, 0), data100), nil, drops(perf.DropTCPTimestamp)},
		{"urgent", join(full, seg(ack|32, 0, 0, 9, 20, 0), seg(ack|32, 20, 0, 9, 20, 0), do(opRead, 0, 99)), events(perf.EvTCPSlowPath), nil},
		{"ack-flood", join(full, do(opMany, 3, 200, 90), data100), events(perf.EvTCPResetSent), drops(perf.DropTCPNoPort)},
		{"to-all", join(full, do(opSegment, 4, syn, 0, 0, 255, 0, modeNew), do(opAgain, 7, 0, 0, 0)), nil, drops(perf.DropIPLinkBroadcast)},
		{"bit-flips", join(full, data100, do(opAgain, 1, 0, 60, 4), do(opAgain, 1, 0, 20, 1), do(opAgain, 1, 0, 14, 16), do(opAgain, 1, 0, 2, 1)),
			nil, drops(perf.DropTCPChecksum, perf.DropIPChecksum, perf.DropEthForeign, perf.DropIPVersion)},
		{"cut", join(full, data100, do(opAgain, 3, 0, 13, 0), data100, do(opAgain, 3, 0, 30, 0), data100, do(opAgain, 4, 0, 50, 0), do(opAgain, 5, 0, 0, 9)),
			nil, drops(perf.DropEthShort, perf.DropIPShort, perf.DropTCPShort)},
		{"odd-options", join(full, seg(ack, 0, 0, 9, 9, modeOpts, 4, 5, 0, 5, 1), seg(ack, 0, 0, 9, 9, modeOpts, 3, 8, 1, 0), seg(ack, 0, 0, 9, 9, modeOpts, 2, 3, 200),
			do(opSegment, 4, syn, 0, 0, 255, 0, modeNew|modeOpts, 12, 3, 3, 99, 2, 4, 0, 0, 8, 2, 0, 0, 0)), nil, drops(perf.DropTCPTimestamp)},
	}
}

func seedsIP() []seed {
	return []seed{
		{"arp", join(plain, do(opARP, 0, 3, 1, 0), do(opARP, 3, 4, 1, 0), do(opARP, 2, 2, 1, 0)), events(perf.EvARPReplySent), nil},
		{"arp-spoof", join(full, do(opARP, 1, 2, 1, 5), data100, do(opARP, 3, 1, 1, 9), do(opARP, 6, 5, 1, 0)), events(perf.EvARPConflict), nil},
		{"arp-odd", join(plain, again(3, do(opARP, 8, 3, 9, 2)), do(opARP, 8, 3, 0, 8)), nil, drops(perf.DropARPBad)},
		{"arp-flood", join(full, do(opMany, 2, 255, 3), data100), events(perf.EvARPReplySent), nil},
		{"arp-silence", join(silent, do(opWrite, 1, 50), again(5, second), do(opARP, 1, 2, 1, 0), second), events(perf.EvNeighborFailed), nil},
		{"arp-late", join(silent, do(opWrite, 1, 50), second, do(opARP, 1, 2, 1, 0), ackAll, do(opTime, 2, 90), do(opWrite, 1, 8), do(opTime, 2, 20)),
			events(perf.EvNeighborProbe), nil},
		{"ping", join(plain, do(opICMP, 0, 8, 0, 0, 56, 0), do(opICMP, 0, 8, 0, 5, 0, 0)), events(perf.EvICMPEchoAnswered), nil},
		{"ping-flood", join(plain, do(opMany, 7, 200, 100)), events(perf.EvICMPEchoAnswered), nil},
		{"ping-in-pieces", join(plain, do(opFragment, 3, 7, 99, 0, 60)), events(perf.EvIPReassembled, perf.EvICMPEchoAnswered), nil},
		{"pieces-reversed", join(plain, do(opFragment, 6, 7, 99, 0, 60), do(opRead, 1, 255)), events(perf.EvIPReassembled, perf.EvUDPReceived), nil},
		{"piece-missing", join(plain, do(opFragment, 2, 7, 99, 2, 60), do(opTime, 3, 2)), events(perf.EvICMPErrorSent), drops(perf.DropFragTimeout)},
		{"teardrop", join(plain, do(opFragment, 0, 7, 99, 0, 0, 20), do(opFragment, 8, 7, 99, 0, 10, 5)), nil, drops(perf.DropFragOverlap)},
		{"piece-twice", join(plain, again(2, do(opFragment, 0, 7, 99, 0, 0, 20))), nil, drops(perf.DropFragDuplicate)},
		{"ping-of-death", join(plain, do(opFragment, 9, 7, 99, 0x1f, 0xff, 100)), nil, drops(perf.DropFragBad)},
		{"halves", join(full, do(opMany, 1, 255, 0), do(opFragment, 2, 7, 40, 0, 60), data100), events(perf.EvIPReassembled), drops(perf.DropFragLimit)},
		{"odd-protocols", join(plain, do(opRaw, 2, 99, 8, 1, 2, 3, 4, 5, 6, 7, 8), do(opRaw, 1, 2, 4, 1, 2, 3, 4), do(opRaw, 3, 1, 8, 8, 0, 0, 0, 0, 0, 0, 0)),
			events(perf.EvICMPErrorSent, perf.EvICMPEchoAnswered), drops(perf.DropIPProto, perf.DropIPShort)},
		{"ip-options", join(plain,
			do(opRaw, 5, 0, 36, 0x46, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0x83, 3, 4, 0, 0x17, 0x70, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4),
			do(opRaw, 5, 0, 36, 0x46, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0x94, 4, 0, 0, 0x17, 0x70, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4),
			do(opRaw, 5, 0, 36, 0x46, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 7, 0, 0, 0, 0x17, 0x70, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4)),
			events(perf.EvUDPReceived, perf.EvICMPErrorSent), drops(perf.DropIPOptions)},
		{"udp", join(plain, do(opDatagram, 0, 0, 80, 0), do(opRead, 1, 255), do(opDatagram, 1, 0, 90, 0), do(opDatagram, 1, 0, 0, 0), do(opRead, 2, 9), do(opWrite, 1, 90), do(opWrite, 2, 90)),
			events(perf.EvUDPReceived, perf.EvUDPSent), nil},
		{"udp-stranger", join(plain, do(opDatagram, 2, 5, 80, 0), do(opDatagram, 3, 9, 80, 0), do(opDatagram, 0, 0, 80, 4), do(opDatagram, 8, 0, 50, 1)),
			events(perf.EvICMPErrorSent), drops(perf.DropUDPNoPort, perf.DropUDPLength)},
		{"udp-broadcast", join(plain, do(opDatagram, 4, 0, 80, 0), do(opDatagram, 4, 128, 80, 0), do(opRead, 1, 255)), events(perf.EvUDPReceived), nil},
		{"udp-merged", join(plain, do(opDatagram, 8, 9, 100, 0), again(5, do(opRead, 2, 63))), events(perf.EvUDPReceived), nil},
		{"udp-refused", join(plain, do(opWrite, 1, 9), do(opICMP, 1, 3, 3, 0, 0, 0), do(opRead, 1, 9)), events(perf.EvICMPErrorTaken), nil},
		{"udp-flood", join(plain, again(2, do(opMany, 6, 200, 0))), nil, drops(perf.DropUDPFull)},
		{"udp-to-nobody", join(plain, again(12, do(opWrite, 2, 4)), do(opWrite, 2, 9), do(opWrite, 2, 14), again(5, second)), events(perf.EvNeighborFailed), nil},
		{"udp-in-pieces", join(plain, do(opWrite, 1, 90), do(opWrite, 1, 240)), events(perf.EvIPFragmentsMade), nil},
	}
}

func seedsSockets() []seed {
	hello := join(nil, do(opWrite, 0, 99), do(opRead, 0, 99), do(opWrite, 1, 99), do(opRead, 1, 99))
	return []seed{
		{"loopback", join(full, do(opOpen, 4, 0), do(opOpen, 0, 0), hello, do(opShut, 0, 0), do(opRead, 0, 9), do(opShut, 0, 0), second), events(perf.EvTCPActiveOpen), nil},
		{"loopback-127", join(full, do(opOpen, 4, 1), do(opOpen, 0, 0), do(opWrite, 0, 255), again(4, do(opRead, 1, 255)), do(opShut, 1, 3)), events(perf.EvTCPActiveOpen), nil},
		{"no-such-host", join(full, do(opOpen, 5, 0), do(opOpen, 5, 1), again(6, second)), events(perf.EvNeighborFailed), nil},
		{"no-buffers", join(full, do(opHold, 4, 0), data100, do(opWrite, 0, 200), second, do(opHold, 5), ackAll, data100), nil, nil},
		{"few-buffers", join(offload, do(opHold, 4, 3), do(opWrite, 0, 255), ackAll, do(opFragment, 2, 1, 99, 0, 60), do(opHold, 5), ackAll), nil, nil},
		{"port-full", join(full, do(opHold, 2), do(opWrite, 0, 255), do(opWrite, 1, 99), again(3, second), do(opMany, 7, 99, 9), do(opHold, 3), ackAll), nil, nil},
		{"in-one-turn", join(full, do(opHold, 0), again(3, data100), do(opWrite, 0, 9), peerFin, do(opShut, 0, 0), do(opHold, 1)), nil, nil},
		{"buffers-shrink", join(full, again(2, do(opPolite, 2, 15)), do(opOption, 0, 10), do(opRead, 0, 255), do(opPolite, 2, 9), do(opOption, 0, 10|16), do(opRead, 0, 255)), nil, nil},
		{"udp-to-ourselves", join(plain, do(opOpen, 7, 2|16), do(opWrite, 0, 99), do(opRead, 3, 255)), events(perf.EvUDPReceived), nil},
		{"second-listener", join(full, do(opOpen, 6, 4), do(opOpen, 6, 4), do(opShut, 1, 0), do(opOpen, 6, 4)), nil, nil},
	}
}
