package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/pmd"
)

// lossy makes the kernel lose a random share of frames in both directions, until
// the end of the test.
func lossy(t testing.TB, percent int) {
	t.Helper()
	rules := fmt.Sprintf(`table ip e2e {
	chain in { type filter hook prerouting priority -300; iifname %[1]q numgen random mod 100 < %[2]d counter drop; }
	chain out { type filter hook postrouting priority 300; oifname %[1]q numgen random mod 100 < %[2]d counter drop; }
}`, device, percent)
	nft(t, rules)
	t.Cleanup(func() {
		out := tool(t, 5*time.Second, "nft", "list", "table", "ip", "e2e")
		t.Log("lost: ", regexp.MustCompile(`packets \d+`).FindAllString(out, -1))
		tool(t, 5*time.Second, "nft", "delete", "table", "ip", "e2e")
	})
}

func nft(t testing.TB, rules string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, 5*time.Second, "nft", "-f", path)
}

// TestLoss moves bytes each way over a link that loses frames, with super-segments
// and, where every lost frame is one segment, without offloads.
func TestLoss(t *testing.T) {
	for _, percent := range []int{1, 3} {
		for name, set := range map[string]func(*api.Config){"offloads": ways[0].set, "plain": plain} {
			t.Run(fmt.Sprintf("%d%% %s", percent, name), func(t *testing.T) {
				b := newBed(t, set)
				base, _ := b.plane.Buffers()
				lossy(t, percent)
				n := int64(6<<20) / int64(percent*percent)
				t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, n) })
				t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, n) })
				b.quiet(base)
			})
		}
	}
}

// plain opens the TAP with no offloads at all.
func plain(c *api.Config) {
	none := pmd.Offload(0)
	p := &c.Ports[0]
	port, err := pmd.Open("tap", device, pmd.Options{MTU: p.MTU, Queues: p.Queues, Offloads: &none, Extra: p.Options})
	if err == nil {
		p.Opened = port
	}
}
