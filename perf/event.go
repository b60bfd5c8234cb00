package perf

// Event is a thing worth counting that ends no frame.
type Event uint8

// The events. Whoever adds one adds its line to the table below.
const (
	EvARPRequestSent Event = iota
	EvARPReplySent
	EvARPConflict
	EvNeighborProbe
	EvNeighborFailed
	EvNeighborEvicted

	EvIPFragmentsMade
	EvIPReassembled
	EvICMPEchoAnswered
	EvICMPErrorSent
	EvICMPErrorLimited
	EvICMPErrorTaken
	EvPathMTULowered
	EvNDSolicitSent
	EvNDAdvertSent
	EvRouterSolicitSent
	EvRouterAdvert
	EvAddrDuplicate
	EvAutoRefused
	EvRedirectTaken
	EvGroupQuery
	EvGroupReport
	EvGroupLooped

	EvUDPReceived
	EvUDPSent

	EvPacketReceived
	EvPacketMissed
	EvPacketSent

	EvRawReceived
	EvRawMissed
	EvRawSent

	EvTCPActiveOpen
	EvTCPPassiveOpen
	EvTCPOpenFailed
	EvTCPAborted
	EvTCPSegmentSent
	EvTCPFastPath
	EvTCPSlowPath
	EvTCPOutOfOrder
	EvTCPDuplicateData
	EvTCPDuplicateAck
	EvTCPRetransmit
	EvTCPFastRetransmit
	EvTCPTimeout
	EvTCPDelayedAck
	EvTCPZeroWindow
	EvTCPWindowProbe
	EvTCPKeepAlive
	EvTCPResetSent
	EvTCPResetReceived
	EvTCPChallengeAck
	EvTCPChallengeLimited
	EvTCPCookieSent
	EvTCPCookieAccepted
	EvTCPTimeWait
	EvTCPTimeWaitReused

	EvTurn
	EvTurnBusy
	EvSteered
	EvSteerCopied
	EvRelayed
	EvPosted
	EvCalled
	EvRoused
	EvTaskPosted
	EvBufferHome
	EvFlowsMoved
	EvRedirected
	EvRedirectRefused
	EvSocketsMoved
	EvSleep

	// NumEvents is how many events there are.
	NumEvents
)

// events is written here and nowhere else.
var events = [NumEvents]named{
	EvARPRequestSent:  {"arp-request-sent", "We asked the link for a neighbour's address."},
	EvARPReplySent:    {"arp-reply-sent", "We answered a neighbour that asked for our address."},
	EvARPConflict:     {"arp-conflict", "Another station claimed one of our addresses."},
	EvNeighborProbe:   {"neighbor-probe", "We asked a known neighbour whether it is still there."},
	EvNeighborFailed:  {"neighbor-failed", "A neighbour did not answer and was given up."},
	EvNeighborEvicted: {"neighbor-evicted", "A neighbour was forgotten to make room for another."},

	EvIPFragmentsMade:  {"ip-fragments-made", "We cut a packet of ours into fragments."},
	EvIPReassembled:    {"ip-reassembled", "A datagram was put together from its fragments."},
	EvICMPEchoAnswered: {"icmp-echo-answered", "We answered a ping."},
	EvICMPErrorSent:    {"icmp-error-sent", "We told a sender that its packet could not be delivered."},
	EvICMPErrorLimited: {"icmp-error-limited", "We kept an ICMP error or a reset to ourselves because of the rate limit."},
	EvICMPErrorTaken:   {"icmp-error-taken", "An ICMP error about a packet of ours reached its socket."},
	EvPathMTULowered:   {"path-mtu-lowered", "A router told us that a path is narrower than we thought."},

	EvNDSolicitSent:     {"nd-solicit-sent", "We asked the link for an IPv6 neighbour's address, or whether anybody has ours."},
	EvNDAdvertSent:      {"nd-advert-sent", "We answered an IPv6 neighbour that asked for our address."},
	EvRouterSolicitSent: {"router-solicit-sent", "We asked the link for IPv6 routers."},
	EvRouterAdvert:      {"router-advert", "An IPv6 router's advertisement was read."},
	EvAddrDuplicate:     {"addr-duplicate", "Another station had an IPv6 address that we wanted, and we gave it up."},
	EvAutoRefused:       {"auto-refused", "A link had as many IPv6 addresses as it may have, and another one was not made."},
	EvRedirectTaken:     {"redirect-taken", "A router told us a better first hop, and we use it."},

	EvGroupQuery:  {"group-query", "A multicast router asked which groups are wanted here."},
	EvGroupReport: {"group-report", "We told multicast routers which groups are wanted here."},
	EvGroupLooped: {"group-looped", "A packet of ours to a group came back to our own sockets."},

	EvUDPReceived: {"udp-received", "A datagram was put into a socket's receive buffer."},
	EvUDPSent:     {"udp-sent", "A datagram was handed to IP."},

	EvPacketReceived: {"packet-received", "A packet socket got a copy of a frame."},
	EvPacketMissed:   {"packet-missed", "A packet socket's receive buffer had no room for a copy of a frame."},
	EvPacketSent:     {"packet-sent", "A frame of a packet socket was handed to its port."},

	EvRawReceived: {"raw-received", "A raw socket or a ping socket got a copy of a packet."},
	EvRawMissed:   {"raw-missed", "A raw socket's receive buffer had no room for a copy of a packet."},
	EvRawSent:     {"raw-sent", "A packet of a raw socket was handed to IP."},

	EvTCPActiveOpen:       {"tcp-active-open", "A program began to connect."},
	EvTCPPassiveOpen:      {"tcp-passive-open", "A peer's connection was established through a listener."},
	EvTCPOpenFailed:       {"tcp-open-failed", "A connection ended before it was established."},
	EvTCPAborted:          {"tcp-aborted", "An established connection ended by reset, timeout or error."},
	EvTCPSegmentSent:      {"tcp-segment-sent", "A segment was handed to IP."},
	EvTCPFastPath:         {"tcp-fast-path", "A segment was the expected next one of an established connection."},
	EvTCPSlowPath:         {"tcp-slow-path", "A segment of an established connection needed the full procedure."},
	EvTCPOutOfOrder:       {"tcp-out-of-order", "Data came before the data that precedes it."},
	EvTCPDuplicateData:    {"tcp-duplicate-data", "Data came that we had already."},
	EvTCPDuplicateAck:     {"tcp-duplicate-ack", "A peer repeated its last acknowledgement."},
	EvTCPRetransmit:       {"tcp-retransmit", "A segment was sent again."},
	EvTCPFastRetransmit:   {"tcp-fast-retransmit", "A loss was seen from acknowledgements and repaired."},
	EvTCPTimeout:          {"tcp-timeout", "The retransmission timer ran out."},
	EvTCPDelayedAck:       {"tcp-delayed-ack", "An acknowledgement waited for its timer."},
	EvTCPZeroWindow:       {"tcp-zero-window", "We told a peer that we have no room."},
	EvTCPWindowProbe:      {"tcp-window-probe", "We asked a peer without room whether it has some now."},
	EvTCPKeepAlive:        {"tcp-keep-alive", "We asked an idle peer whether it is still there."},
	EvTCPResetSent:        {"tcp-reset-sent", "We sent a reset."},
	EvTCPResetReceived:    {"tcp-reset-received", "A peer's reset ended a connection."},
	EvTCPChallengeAck:     {"tcp-challenge-ack", "We answered a doubtful segment with a challenge."},
	EvTCPChallengeLimited: {"tcp-challenge-limited", "We kept a challenge to ourselves because of the rate limit."},
	EvTCPCookieSent:       {"tcp-cookie-sent", "We answered a SYN with a cookie and remembered nothing."},
	EvTCPCookieAccepted:   {"tcp-cookie-accepted", "A connection was established from a cookie."},
	EvTCPTimeWait:         {"tcp-time-wait", "A connection entered TIME-WAIT."},
	EvTCPTimeWaitReused:   {"tcp-time-wait-reused", "A new connection took the place of one in TIME-WAIT."},

	EvTurn:            {"turn", "The core looked once at everything it serves."},
	EvTurnBusy:        {"turn-busy", "A turn found something to do."},
	EvSteered:         {"steered", "A frame was handed to the core that owns its flow."},
	EvSteerCopied:     {"steer-copied", "A frame that concerns every core was copied for another one."},
	EvRelayed:         {"relayed", "A frame was sent for a core that has no queue on the port."},
	EvPosted:          {"posted", "Another thread asked for something on a socket."},
	EvCalled:          {"called", "Another thread had a function run on the core."},
	EvRoused:          {"roused", "A goroutine that waited for a socket was told to go on."},
	EvTaskPosted:      {"task-posted", "Another thread woke a resident task."},
	EvBufferHome:      {"buffer-home", "A packet buffer of another core was freed here and sent home."},
	EvFlowsMoved:      {"flows-moved", "A group of flows went to another core, with all that belongs to it."},
	EvRedirected:      {"redirected", "A group of flows that went to another core comes to its queue by the card's own table."},
	EvRedirectRefused: {"redirect-refused", "A card did not change its table: moved flows come to the old queue, and are handed over."},
	EvSocketsMoved:    {"sockets-moved", "A connection went to another core with its group of flows."},
	EvSleep:           {"sleep", "The core went to sleep because there was nothing to do."},
}

// String returns the event's name in lower case, e.g. "tcp-retransmit".
func (e Event) String() string {
	if e >= NumEvents {
		return "unknown"
	}
	return events[e].name
}

// Doc returns one sentence that says what is counted.
func (e Event) Doc() string {
	if e >= NumEvents {
		return ""
	}
	return events[e].doc
}
