package netlink

// Numbers of Linux's netlink that package syscall lacks.
const (
	protoRoute    = 0 // NETLINK_ROUTE
	protoSockDiag = 4 // NETLINK_SOCK_DIAG

	solNetlink = 270

	// Options of SOL_NETLINK.
	optAddMembership   = 1
	optDropMembership  = 2
	optPktInfo         = 3
	optNoENOBUFS       = 5
	optListMemberships = 9
	optCapAck          = 10
	optExtAck          = 11
	optStrictCheck     = 12

	// Flags of a message.
	flagRequest   = 0x1
	flagMulti     = 0x2
	flagAck       = 0x4
	flagRoot      = 0x100
	flagMatch     = 0x200
	flagDump      = flagRoot | flagMatch
	flagReplace   = 0x100
	flagExcl      = 0x200
	flagCreate    = 0x400
	flagAppend    = 0x800
	flagCapped    = 0x100
	flagAckTLVs   = 0x200
	typeNoop      = 1
	typeError     = 2
	typeDone      = 3
	typeMin       = 16 // below are control messages
	ackAttrMsg    = 1  // NLMSGERR_ATTR_MSG
	attrTypeMask  = 0x3fff
	attrNested    = 0x8000
	controlPktNum = 3 // NETLINK_PKTINFO as the type of a control message

	// Multicast groups of NETLINK_ROUTE.
	groupLink   = 1
	groupNeigh  = 3
	groupAddr4  = 5
	groupRoute4 = 7
	groupAddr6  = 9
	groupRoute6 = 11
	maxGroup    = 39 // RTNLGRP_MAX

	// Types of rtnetlink: new, delete, get and set of each kind.
	rtmNewLink  = 16
	rtmDelLink  = 17
	rtmGetLink  = 18
	rtmSetLink  = 19
	rtmNewAddr  = 20
	rtmDelAddr  = 21
	rtmGetAddr  = 22
	rtmNewRoute = 24
	rtmDelRoute = 25
	rtmGetRoute = 26
	rtmNewNeigh = 28
	rtmDelNeigh = 29
	rtmGetNeigh = 30

	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	diagDestroy  = 21 // SOCK_DESTROY
)
