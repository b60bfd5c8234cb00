package options

// rawRows is SOL_RAW and IPPROTO_ICMPV6.
var rawRows = []Row{
	{Level: ForICMPv6, Num: 1, Name: "ICMPV6_FILTER", Kind: Other, Works: Raw},
	{Level: ForRaw, Num: 1, Name: "ICMP_FILTER", Kind: Other, Works: Raw},
	{Level: ForRaw, Num: 7, Name: "IPV6_CHECKSUM", Kind: Other, Works: Raw},
}
