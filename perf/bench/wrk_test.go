package main

import "testing"

func TestWrkSays(t *testing.T) {
	const ok = "Running 1s test\n  1 threads and 64 connections\n  41235 requests in 1.10s, 5.35MB read\nRequests/sec:  37486.1\n"
	if n, err := wrkSays(ok); err != nil || n.ops != 41235 || n.bytes != 41235*13 {
		t.Errorf("%+v, %v", n, err)
	}
	for _, bad := range []string{
		ok + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
		ok + "  Non-2xx or 3xx responses: 7\n",
		"unable to connect\n",
	} {
		if _, err := wrkSays(bad); err == nil {
			t.Errorf("%q is no good run", bad)
		}
	}
}
