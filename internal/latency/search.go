package latency

// keepUp is the share of the offered rate that must be achieved.
const keepUp = 0.99

// maxRate ends a search: no schedule in software is kept beyond.
const maxRate = 50e6

// Saturation searches for the highest rate at which the answers keep up with the
// requests: it doubles the rate from one that is surely kept until one is not, and
// halves the interval until it is known to one part in twenty. A rate is not kept
// if two tries in a row fail: a neighbour of the machine may spoil one. try measures
// one rate and returns what was achieved.
func Saturation(from float64, try func(rate float64) (achieved float64, err error)) (float64, error) {
	kept := func(rate float64) (bool, error) {
		for range 2 {
			got, err := try(rate)
			if err != nil || got >= keepUp*rate {
				return err == nil, err
			}
		}
		return false, nil
	}
	lo, hi := 0.0, from
	for hi < maxRate {
		ok, err := kept(hi)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		lo, hi = hi, 2*hi
	}
	for hi-lo > hi/20 && hi >= 1 {
		mid := (lo + hi) / 2
		ok, err := kept(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo, nil
}
