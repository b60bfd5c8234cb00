//go:build canary

package canary

import (
	"sync"
	"testing"
)

// TestRace must fail under -race.
func TestRace(t *testing.T) {
	n := 0
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 1000 {
				n++
			}
		})
	}
	wg.Wait()
	t.Log(n)
}
