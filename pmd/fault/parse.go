package fault

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dataplane/perf"
)

// Parse reads a Config as it is written in flags and configuration files:
//
//	seed=7,lose=0.01,tx.delay=20ms,tx.jitter=5ms,rx.rate=10m
//
// A name without rx. or tx. is for both directions. The names are those of Impair's
// fields in lower case; chances are written 0..1, times as Go writes them, rate in
// bit/s with k, m or g for powers of a thousand.
func Parse(text string) (Config, error) {
	var c Config
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return Config{}, fmt.Errorf("fault: %q is not name=value", item)
		}
		if err := c.set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return Config{}, fmt.Errorf("fault: %s: %w", item, err)
		}
	}
	return c, nil
}

func (c *Config) set(name, value string) (err error) {
	if name == "seed" {
		c.Seed, err = strconv.ParseUint(value, 0, 64)
		return err
	}
	if field, ok := strings.CutPrefix(name, "rx."); ok {
		return c.Rx.set(field, value)
	}
	if field, ok := strings.CutPrefix(name, "tx."); ok {
		return c.Tx.set(field, value)
	}
	if err = c.Rx.set(name, value); err == nil {
		err = c.Tx.set(name, value)
	}
	return err
}

func (i *Impair) set(name, value string) (err error) {
	switch name {
	case "lose":
		i.Lose, err = chance(value)
	case "duplicate":
		i.Duplicate, err = chance(value)
	case "reorder":
		i.Reorder, err = chance(value)
	case "corrupt":
		i.Corrupt, err = chance(value)
	case "truncate":
		i.Truncate, err = chance(value)
	case "burst":
		i.Burst, err = count(value, 1000)
	case "gap":
		i.Gap, err = count(value, 1000)
	case "queue":
		i.Queue, err = count(value, maxHeld)
	case "mtu":
		i.MTU, err = count(value, 65535)
	case "delay":
		i.Delay, err = span(value)
	case "jitter":
		i.Jitter, err = span(value)
	case "hold":
		i.Hold, err = span(value)
	case "rate":
		i.Rate, err = rate(value)
	default:
		err = errors.New("known are seed, lose, burst, duplicate, reorder, gap, hold, corrupt, truncate, delay, jitter, rate, queue, mtu")
	}
	return err
}

func chance(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, errors.New("want a chance from 0 to 1")
	}
	return v, nil
}

func count(s string, most int) (int, error) {
	v, err := strconv.Atoi(s)
	if err != nil || v < 0 || v > most {
		return 0, fmt.Errorf("want a number from 0 to %d", most)
	}
	return v, nil
}

func span(s string) (perf.Tick, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > time.Hour {
		return 0, errors.New("want a time such as 20ms, at most an hour")
	}
	return perf.Tick(d.Nanoseconds()), nil
}

func rate(s string) (uint64, error) {
	unit := 1.0
	if n := len(s); n > 0 {
		switch s[n-1] | 0x20 {
		case 'k':
			unit = 1e3
		case 'm':
			unit = 1e6
		case 'g':
			unit = 1e9
		}
		if unit != 1 {
			s = s[:n-1]
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if v *= unit; err != nil || !(v == 0 || v >= 1 && v <= 1e15) {
		return 0, errors.New("want bit/s such as 64k, 10m or 2.5g")
	}
	return uint64(v), nil
}
