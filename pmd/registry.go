package pmd

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// OpenFunc opens a device of one driver. The port is not started.
type OpenFunc func(device string, opt Options) (Port, error)

// Options is what every driver understands; zero values ask for its defaults.
type Options struct {
	MTU      int
	Queues   int
	MAC      [6]byte
	Offloads *Offload          // the most that may be offered; nil: all it has
	Extra    map[string]string // the driver's own options
}

// Allowed returns the offloads that the options leave of what a driver has.
func (o *Options) Allowed(has Offload) Offload {
	if o.Offloads == nil {
		return has
	}
	return has & *o.Offloads
}

// Settings yields the driver's own options, by name: first those that stand behind
// the name in the device string ("key=value,key=value"), then Extra.
func (o *Options) Settings(list string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for s := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(s, "=")
			if s != "" && !yield(name, value) {
				return
			}
		}
		for _, name := range slices.Sorted(maps.Keys(o.Extra)) {
			if !yield(name, o.Extra[name]) {
				return
			}
		}
	}
}

// drivers is the process's table of drivers, filled by their init functions.
var drivers = struct {
	sync.Mutex
	byName map[string]OpenFunc
}{byName: map[string]OpenFunc{}}

// Register adds a driver. It is called from init functions; two drivers of one
// name are a mistake in the program, and panic.
func Register(name string, f OpenFunc) {
	drivers.Lock()
	defer drivers.Unlock()
	if name == "" || f == nil || drivers.byName[name] != nil {
		panic(fmt.Sprintf("pmd: driver %q registered twice or without a function", name))
	}
	drivers.byName[name] = f
}

// Open opens a device by its driver's name.
func Open(name, device string, opt Options) (Port, error) {
	drivers.Lock()
	f := drivers.byName[name]
	drivers.Unlock()
	if f == nil {
		known := strings.Join(Drivers(), ", ")
		if known == "" {
			known = "none are linked into this program"
		}
		return nil, fmt.Errorf("pmd: unknown driver %q (known: %s)", name, known)
	}
	p, err := f(device, opt)
	if err != nil {
		if device == "" { // the driver makes one, or needs none
			return nil, fmt.Errorf("pmd: open a %s device: %w", name, err)
		}
		return nil, fmt.Errorf("pmd: open %s device %q: %w", name, device, err)
	}
	return p, nil
}

// Drivers lists the registered drivers in alphabetical order.
func Drivers() []string {
	drivers.Lock()
	defer drivers.Unlock()
	names := make([]string, 0, len(drivers.byName))
	for name := range drivers.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
