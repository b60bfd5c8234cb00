package fault

import (
	"time"

	"dataplane/perf"
)

// alarm wakes a core that sleeps over a delayed frame, in real time. The lcore sets
// it; the timer's goroutine calls wake and touches nothing else.
type alarm struct {
	timer *time.Timer
	at    perf.Tick // when it rings; in the past: it has rung
}

func (a *alarm) init(wake func()) {
	a.stop()
	a.timer = time.AfterFunc(time.Hour, wake)
	a.timer.Stop()
	a.at = 0
}

// set makes the alarm ring at due, if it does not ring before.
func (a *alarm) set(due, now perf.Tick) {
	if a.timer == nil || due == never || a.at > now && a.at <= due {
		return
	}
	a.at = max(due, now+1)
	a.timer.Reset(time.Duration(a.at - now))
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
