package perf

// Verdict is what became of a frame. The input functions of every layer return
// one; an outer function counts it and frees the buffer (not when it is Taken).
type Verdict uint8

// The verdicts. Whoever adds one adds its line to the table below; the tests
// compare both with each other and with docs/drops.md.
const (
	Delivered Verdict = iota // did its work: the CALLER frees the buffer
	Taken                    // the callee took the buffer; counts as delivered

	DropEthShort
	DropEthForeign
	DropEthType
	DropLinkDown
	DropVLAN
	DropARPBad

	DropIPShort
	DropIPVersion
	DropIPHeader
	DropIPChecksum
	DropIPLength
	DropIPOptions
	DropIPExtension
	DropIPSource
	DropIPNotOurs
	DropIPLinkBroadcast
	DropIPProto
	DropFragBad
	DropFragOverlap
	DropFragDuplicate
	DropFragLimit
	DropFragTimeout

	DropICMPShort
	DropICMPChecksum
	DropICMPType
	DropICMPStale
	DropICMPLimit
	DropNDBad
	DropNDLimit
	DropIGMPBad
	DropMLDBad

	DropUDPShort
	DropUDPLength
	DropUDPChecksum
	DropUDPNoPort
	DropUDPFull
	DropSocketFilter
	DropMinTTL
	DropDevice

	DropTCPShort
	DropTCPHeader
	DropTCPChecksum
	DropTCPBroadcast
	DropTCPNoPort
	DropTCPState
	DropTCPWindow
	DropTCPAck
	DropTCPPAWS
	DropTCPTimestamp
	DropTCPReset
	DropTCPSyn
	DropTCPBacklog
	DropTCPCookie
	DropTCPMemory
	DropTCPClosed

	DropSteerFull
	DropNoMbuf
	DropLinear

	LostTxFull
	LostNoRoute
	LostNeighbor
	LostNeighborQueue
	LostNoMbuf
	LostTooBig

	// NumVerdicts is how many verdicts there are.
	NumVerdicts
)

// named is a counter's name and what it means, in one sentence.
type named struct{ name, doc string }

// verdicts is written here and nowhere else.
var verdicts = [NumVerdicts]named{
	Delivered: {"delivered", "The frame did its work."},
	Taken:     {"taken", "The frame was kept: queued, or turned round and sent."},

	DropEthShort:   {"eth-short", "The frame is shorter than an Ethernet header."},
	DropEthForeign: {"eth-foreign", "The frame is addressed to another station, or comes from our own address."},
	DropEthType:    {"eth-type", "Nobody here speaks the frame's EtherType."},
	DropLinkDown:   {"link-down", "The link was switched off (ip link set down)."},
	DropVLAN:       {"vlan", "The frame carries a VLAN tag that no interface has, or a broken one."},
	DropARPBad:     {"arp-bad", "The ARP packet is short, or not Ethernet and IPv4, or claims a sender that cannot be."},

	DropIPShort:         {"ip-short", "The packet is shorter than an IP header."},
	DropIPVersion:       {"ip-version", "The IP version is not the one the EtherType announced."},
	DropIPHeader:        {"ip-header", "The IP header length is less than 20 bytes or runs past the packet."},
	DropIPChecksum:      {"ip-checksum", "The IP header checksum is wrong."},
	DropIPLength:        {"ip-length", "The IP total length is less than the header or more than the frame holds."},
	DropIPOptions:       {"ip-options", "An IP option has an impossible length, or asks for source routing."},
	DropIPExtension:     {"ip-extension", "An IPv6 extension header is cut off, is one too many, or holds what a host refuses."},
	DropIPSource:        {"ip-source", "The source address cannot be a sender: broadcast, multicast, loopback, zero or our own."},
	DropIPNotOurs:       {"ip-not-ours", "The destination is none of our addresses; a host does not forward."},
	DropIPLinkBroadcast: {"ip-link-broadcast", "A link broadcast carried a packet for one host."},
	DropIPProto:         {"ip-proto", "No protocol is registered for the packet's protocol number or next header."},
	DropFragBad:         {"frag-bad", "The fragment has an impossible length or would end past 65535 bytes."},
	DropFragOverlap:     {"frag-overlap", "The fragment overlaps an earlier one, so its whole datagram is discarded."},
	DropFragDuplicate:   {"frag-duplicate", "The fragment had come before."},
	DropFragLimit:       {"frag-limit", "The fragment gave way because incomplete datagrams held all the memory they may hold."},
	DropFragTimeout:     {"frag-timeout", "The rest of the fragment's datagram did not come in time."},

	DropICMPShort:    {"icmp-short", "The ICMP message is shorter than its header or than what it must quote."},
	DropICMPChecksum: {"icmp-checksum", "The ICMP checksum is wrong."},
	DropICMPType:     {"icmp-type", "The ICMP type or code is one we do not act on."},
	DropICMPStale:    {"icmp-stale", "The ICMP error quotes a packet that none of our sockets has in flight."},
	DropICMPLimit:    {"icmp-limit", "The echo request came faster than we are willing to answer."},
	DropNDLimit:      {"nd-limit", "Router advertisements came faster than we are willing to read."},
	DropNDBad:        {"nd-bad", "A message of neighbour discovery is malformed, or came from beyond the link."},
	DropIGMPBad:      {"igmp-bad", "The IGMP message is short, or its checksum or type is wrong."},
	DropMLDBad:       {"mld-bad", "The MLD message is short, or comes from beyond the link, or lacks the Router Alert option."},

	DropUDPShort:     {"udp-short", "The datagram is shorter than a UDP header."},
	DropUDPLength:    {"udp-length", "The UDP length is less than 8 or more than the packet holds."},
	DropUDPChecksum:  {"udp-checksum", "The UDP checksum is wrong."},
	DropUDPNoPort:    {"udp-no-port", "No socket is bound to the datagram's address and port."},
	DropUDPFull:      {"udp-full", "The socket's receive buffer had no room."},
	DropSocketFilter: {"socket-filter", "The filter of the socket did not take the packet (SO_ATTACH_FILTER)."},
	DropDevice:       {"device", "The packet has come by another interface than the one that the socket is bound to (SO_BINDTODEVICE)."},
	DropMinTTL:       {"min-ttl", "The packet has come from farther than the socket allows (IP_MINTTL, IPV6_MINHOPCOUNT)."},

	DropTCPShort:     {"tcp-short", "The segment is shorter than a TCP header."},
	DropTCPHeader:    {"tcp-header", "The TCP data offset or an option length is impossible."},
	DropTCPChecksum:  {"tcp-checksum", "The TCP checksum is wrong."},
	DropTCPBroadcast: {"tcp-broadcast", "The segment came by broadcast or multicast, which TCP never uses."},
	DropTCPNoPort:    {"tcp-no-port", "No connection and no listener has the segment's address and port."},
	DropTCPState:     {"tcp-state", "The segment's flags mean nothing in the connection's state."},
	DropTCPWindow:    {"tcp-window", "No byte of the segment lies in the receive window."},
	DropTCPAck:       {"tcp-ack", "The segment acknowledges something never sent, or too old to be believed."},
	DropTCPPAWS:      {"tcp-paws", "The segment's timestamp is older than one seen before, so it is a wanderer of an earlier time."},
	DropTCPTimestamp: {"tcp-timestamp", "The segment lacks the timestamp both sides agreed on."},
	DropTCPReset:     {"tcp-reset", "The reset does not hit the exact next sequence number, or comes where resets are ignored."},
	DropTCPSyn:       {"tcp-syn", "A SYN came inside a synchronised connection and was challenged."},
	DropTCPBacklog:   {"tcp-backlog", "The listener's queue of connections was full."},
	DropTCPCookie:    {"tcp-cookie", "The ACK carries no SYN cookie of ours, or one too old."},
	DropTCPMemory:    {"tcp-memory", "There was no room to keep the segment or its connection."},
	DropTCPClosed:    {"tcp-closed", "Data came for a program that has closed its socket."},

	DropSteerFull: {"steer-full", "The ring to the core that owns the flow was full."},
	DropNoMbuf:    {"no-mbuf", "The pool had no buffer for what had to be done with the frame."},
	DropLinear:    {"linear", "The headers lie across segments of a chain and could not be brought into one."},

	LostTxFull:        {"lost-tx-full", "The port's transmit queue and our queue before it were full."},
	LostNoRoute:       {"lost-no-route", "No route leads to the destination any more."},
	LostNeighbor:      {"lost-neighbor", "The next hop did not answer our address resolution."},
	LostNeighborQueue: {"lost-neighbor-queue", "A newer packet took the place in the queue that waits for address resolution."},
	LostNoMbuf:        {"lost-no-mbuf", "The pool had no buffer to build the packet in."},
	LostTooBig:        {"lost-too-big", "The packet does not fit the path and must not be cut."},
}

// String returns the verdict's name in lower case, e.g. "eth-short".
func (v Verdict) String() string {
	if v >= NumVerdicts {
		return "unknown"
	}
	return verdicts[v].name
}

// Doc returns one sentence that says what the verdict means.
func (v Verdict) Doc() string {
	if v >= NumVerdicts {
		return ""
	}
	return verdicts[v].doc
}

// IsDrop reports whether v ended a received frame before its work was done.
func (v Verdict) IsDrop() bool { return v > Taken && v < LostTxFull }

// IsLoss reports whether v ended a frame of our own before it left.
func (v Verdict) IsLoss() bool { return v >= LostTxFull && v < NumVerdicts }
