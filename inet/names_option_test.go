package inet

// Options that package syscall does not name, and only tests here do.
const (
	soLockFilter  = 44
	soCookie      = 57
	soTimestampNS = 35
	soRxqOvfl     = 40
	soBusyPoll    = 46
	soProtocol    = 38
	soDomain      = 39
	soStamping    = 37
	soTimestamp63 = 63
)

func anInt(x uint32) []byte { return native.AppendUint32(nil, x) }
