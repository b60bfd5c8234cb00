package options

// netlinkRows is SOL_NETLINK.
var netlinkRows = []Row{
	{Level: ForNetlink, Num: 1, Name: "NETLINK_ADD_MEMBERSHIP", Kind: Loose, Mode: WriteOnly, Works: Netlink},
	{Level: ForNetlink, Num: 2, Name: "NETLINK_DROP_MEMBERSHIP", Kind: Loose, Mode: WriteOnly, Works: Netlink},
	{Level: ForNetlink, Num: 3, Name: "NETLINK_PKTINFO", Kind: Loose, Works: Netlink},
	{Level: ForNetlink, Num: 4, Name: "NETLINK_BROADCAST_ERROR",
		Note: "a message that is lost is told to who was to have it"},
	{Level: ForNetlink, Num: 5, Name: "NETLINK_NO_ENOBUFS", Kind: Loose, Works: Netlink},
	{Level: ForNetlink, Num: 6, Name: "NETLINK_RX_RING",
		Note: "gone from Linux"},
	{Level: ForNetlink, Num: 7, Name: "NETLINK_TX_RING",
		Note: "gone from Linux"},
	{Level: ForNetlink, Num: 8, Name: "NETLINK_LISTEN_ALL_NSID",
		Note: "a plane has no namespace"},
	{Level: ForNetlink, Num: 9, Name: "NETLINK_LIST_MEMBERSHIPS", Kind: Other, Mode: ReadOnly, Works: Netlink},
	{Level: ForNetlink, Num: 10, Name: "NETLINK_CAP_ACK", Kind: Loose, Works: Netlink},
	{Level: ForNetlink, Num: 11, Name: "NETLINK_EXT_ACK", Kind: Loose, Works: Netlink},
	{Level: ForNetlink, Num: 12, Name: "NETLINK_GET_STRICT_CHK", Kind: Loose, Works: Netlink},
}
