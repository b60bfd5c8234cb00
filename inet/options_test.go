package inet

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"dataplane/sock"
	"dataplane/sock/options"
)

// samples are values for options that do not take 1, or do not give back what was set.
var samples = map[string]struct{ set, get []byte }{
	"SO_LINGER":                            {sock.Linger(3), sock.Linger(3)},
	"SO_SNDBUF":                            {anInt(50_000), anInt(100_000)},
	"SO_RCVBUF":                            {anInt(50_000), anInt(100_000)},
	"IP_TOS":                               {anInt(0xb8), anInt(0xb8)},
	"SO_RCVTIMEO, SO_RCVTIMEO_OLD":         {sock.Timeval(3 * time.Second), sock.Timeval(3 * time.Second)},
	"SO_SNDTIMEO, SO_SNDTIMEO_OLD":         {sock.Timeval(3 * time.Second), sock.Timeval(3 * time.Second)},
	"SO_RCVTIMEO_NEW":                      {sock.Timeval(3 * time.Millisecond), sock.Timeval(3 * time.Millisecond)},
	"SO_SNDTIMEO_NEW":                      {sock.Timeval(3 * time.Millisecond), sock.Timeval(3 * time.Millisecond)},
	"SO_TIMESTAMPING, SO_TIMESTAMPING_OLD": {anInt(24), native.AppendUint64(nil, 24)},
	"SO_TIMESTAMPING_NEW":                  {anInt(24), native.AppendUint64(nil, 24)},
	"IP_MTU_DISCOVER, IP_PMTUDISC":         {anInt(2), anInt(2)},
	"SO_ATTACH_FILTER, SO_GET_FILTER":      {append(anInt(6), anInt(1<<32-1)...), []byte{6}}, // the length counts instructions
	"IPV6_MTU_DISCOVER":                    {anInt(2), anInt(2)},
	"IPV6_TCLASS":                          {anInt(0xb8), anInt(0xb8)},
	"TCP_MAXSEG":                           {anInt(1000), anInt(1000)},
	"TCP_CONGESTION":                       {[]byte("reno"), append([]byte("reno"), make([]byte, 12)...)},
	"UDP_SEGMENT":                          {anInt(1000), anInt(1000)},
}

func init() {
	for name, set := range map[string][]byte{
		"IP_ADD_MEMBERSHIP": mreq("239.1.1.1", "10.0.0.1"), "IP_DROP_MEMBERSHIP": mreq("239.1.1.1", "10.0.0.1"),
		"IP_ADD_SOURCE_MEMBERSHIP":  mreqSource("239.1.1.1", "10.0.0.1", "10.0.0.9"),
		"IP_DROP_SOURCE_MEMBERSHIP": mreqSource("239.1.1.1", "10.0.0.1", "10.0.0.9"),
		"IP_BLOCK_SOURCE":           mreqSource("239.1.1.1", "10.0.0.1", "10.0.0.9"),
		"IP_UNBLOCK_SOURCE":         mreqSource("239.1.1.1", "10.0.0.1", "10.0.0.9"),
		"IP_MSFILTER":               append(mreq("239.1.1.1", "10.0.0.1"), make([]byte, 8)...),
		"MCAST_JOIN_GROUP":          groupReq(1, "239.1.1.1"), "MCAST_LEAVE_GROUP": groupReq(1, "239.1.1.1"),
		"MCAST_JOIN_SOURCE_GROUP":                groupReq(1, "239.1.1.1", "10.0.0.9"),
		"MCAST_LEAVE_SOURCE_GROUP":               groupReq(1, "239.1.1.1", "10.0.0.9"),
		"MCAST_BLOCK_SOURCE":                     groupReq(1, "239.1.1.1", "10.0.0.9"),
		"MCAST_UNBLOCK_SOURCE":                   groupReq(1, "239.1.1.1", "10.0.0.9"),
		"MCAST_MSFILTER":                         append(groupReq(1, "239.1.1.1"), make([]byte, 8)...),
		"IP_MULTICAST_IF":                        {10, 0, 0, 1},
		"IPV6_ADD_MEMBERSHIP, IPV6_JOIN_GROUP":   append([]byte{0: 0xff, 1: 0x15, 15: 1}, anInt(1)...),
		"IPV6_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP": append([]byte{0: 0xff, 1: 0x15, 15: 1}, anInt(1)...),
	} {
		samples[name] = struct{ set, get []byte }{set, set}
	}
}

// sixSamples are values of options whose names both levels have.
var sixSamples = map[string][]byte{
	"MCAST_JOIN_GROUP": groupReq(1, "ff15::1"), "MCAST_LEAVE_GROUP": groupReq(1, "ff15::1"),
	"MCAST_JOIN_SOURCE_GROUP":  groupReq(1, "ff15::1", "2001:db8::9"),
	"MCAST_LEAVE_SOURCE_GROUP": groupReq(1, "ff15::1", "2001:db8::9"),
	"MCAST_BLOCK_SOURCE":       groupReq(1, "ff15::1", "2001:db8::9"),
	"MCAST_UNBLOCK_SOURCE":     groupReq(1, "ff15::1", "2001:db8::9"),
}

func anInt(x uint32) []byte { return native.AppendUint32(nil, x) }

// notNow are options that a socket which is new must refuse, with the errno.
var notNow = map[string]syscall.Errno{
	"IP_MTU": syscall.ENOTCONN, "IPV6_MTU": syscall.ENOTCONN, "SO_PEERNAME": syscall.ENOTCONN,
}

// notYet are options that a socket which is new must refuse to set: it has joined nothing.
var notYet = map[string]syscall.Errno{
	"SO_DETACH_FILTER, SO_DETACH_BPF": syscall.ENOENT, "IPV6_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP": syscall.EADDRNOTAVAIL,
	"IP_DROP_MEMBERSHIP": syscall.EADDRNOTAVAIL, "MCAST_LEAVE_GROUP": syscall.EADDRNOTAVAIL,
	"IP_DROP_SOURCE_MEMBERSHIP": syscall.EINVAL, "MCAST_LEAVE_SOURCE_GROUP": syscall.EINVAL,
	"IP_BLOCK_SOURCE": syscall.EINVAL, "IP_UNBLOCK_SOURCE": syscall.EINVAL, "IP_MSFILTER": syscall.EINVAL,
	"MCAST_BLOCK_SOURCE": syscall.EINVAL, "MCAST_UNBLOCK_SOURCE": syscall.EINVAL, "MCAST_MSFILTER": syscall.EINVAL,
}

// Every option does on every type of socket what the table says: what works or is kept is
// taken and given back, all others are refused and change nothing.
func TestTableOfOptions(t *testing.T) {
	a, _ := beds(t, 1)
	for _, r := range options.Table() {
		for typ, ty := range map[int]options.Types{sock.TypeStream: options.TCP, sock.TypeDgram: options.UDP} {
			for _, family := range []int{syscall.AF_INET, syscall.AF_INET6} {
				s, err := a.Families.Create(family, typ, 0)
				must(t, err)
				checkOption(t, s, ty, &r)
				s.Close()
			}
		}
	}
}

func checkOption(t *testing.T, s *sock.Socket, ty options.Types, r *options.Row) {
	typ, is6 := s.Type, six(s)
	set, want := anInt(1), anInt(1)
	if x, ok := samples[r.Name]; ok {
		set, want = x.set, x.get
	}
	if v, ok := sixSamples[r.Name]; ok && r.Level == options.IPv6 {
		set, want = v, v
	}
	room := make([]byte, 512)
	knows := (r.Works|r.Kept)&ty != 0
	err := s.SetOption(r.Level, r.Num, set)
	if mayNot := options.Set(ty, is6, r.Level, r.Num, len(set)); mayNot != 0 {
		if err != mayNot {
			t.Errorf("set %s, type %d: %v, want %v", r.Name, typ, err, mayNot)
		}
	} else if later, ok := notYet[r.Name]; ok {
		if err != later {
			t.Errorf("set %s, type %d: %v, want %v", r.Name, typ, err, later)
		}
	} else if err != nil {
		t.Errorf("set %s, type %d: %v", r.Name, typ, err)
	}
	n, err := s.GetOption(r.Level, r.Num, room)
	if mayNot := options.Get(ty, is6, r.Level, r.Num); mayNot != 0 {
		if err != mayNot {
			t.Errorf("get %s, type %d: %v, want %v", r.Name, typ, err, mayNot)
		}
		return
	}
	switch later, isLater := notNow[r.Name]; {
	case isLater && err != later:
		t.Errorf("get %s, type %d: %v, want %v", r.Name, typ, err, later)
	case isLater:
	case err != nil || n == 0 && len(want) > 0:
		t.Errorf("get %s, type %d: %d bytes, %v", r.Name, typ, n, err)
	case knows && r.Mode == options.Both && !bytes.Equal(room[:n], want):
		t.Errorf("%s, type %d: %v, want %v", r.Name, typ, room[:n], want)
	}
}
