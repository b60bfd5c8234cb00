package options

// udpRows is level IPPROTO_UDP.
var udpRows = []Row{
	{Level: ForUDP, Num: 1, Name: "UDP_CORK", Works: UDP},
	{Level: ForUDP, Num: 10, Name: "UDPLITE_SEND_CSCOV", Works: Lite,
		Note: "UDP-Lite only"},
	{Level: ForUDP, Num: 11, Name: "UDPLITE_RECV_CSCOV", Works: Lite,
		Note: "UDP-Lite only"},
	{Level: ForUDP, Num: 100, Name: "UDP_ENCAP",
		Note: "no datagram is unwrapped for its socket"},
	{Level: ForUDP, Num: 101, Name: "UDP_NO_CHECK6_TX",
		Note: "every datagram has a checksum"},
	{Level: ForUDP, Num: 102, Name: "UDP_NO_CHECK6_RX",
		Note: "RFC 8200 8.1"},
	{Level: ForUDP, Num: 103, Name: "UDP_SEGMENT", Works: UDP},
	{Level: ForUDP, Num: 104, Name: "UDP_GRO", Works: UDP},
}
