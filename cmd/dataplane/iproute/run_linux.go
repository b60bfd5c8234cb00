// Package iproute is `dataplane ip`: it shows and changes links, addresses, routes and
// neighbours of a running plane, in the words of iproute2. It is a client of the plane's
// netlink.
//
// It runs on the main goroutine.
package iproute

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"dataplane/cmd/dataplane/nlclient"
)

// Options is what stands before the object.
type Options struct {
	Family int // AF_INET, AF_INET6 or 0
	JSON   bool
	Brief  bool
	Stats  bool
	Out    io.Writer
}

var native = binary.NativeEndian

// Usage is an error of the words.
type Usage struct{ error }

// command is one run.
type command struct {
	Options
	k     *nlclient.Conn
	words []string
	names map[int]string // of links
}

// Objects are those that there are, with the function that serves each.
func objects() map[string]func(*command, string) error {
	return map[string]func(*command, string) error{
		"link": (*command).link, "addr": (*command).addr, "route": (*command).route, "neigh": (*command).neigh, "monitor": (*command).monitor,
	}
}

// verbs are the words for what is done, with the short ones that people type.
var verbs = map[string]string{
	"": "show", "s": "show", "sh": "show", "show": "show", "ls": "show", "list": "show", "lst": "show",
	"a": "add", "add": "add", "d": "del", "del": "del", "delete": "del", "r": "replace", "repl": "replace", "replace": "replace",
	"change": "change", "chg": "change", "append": "append", "g": "get", "get": "get", "set": "set",
}

// Run does what the words say to object.
func Run(k *nlclient.Conn, o Options, object string, words []string) error {
	c := &command{Options: o, k: k, words: words}
	do := objects()[object]
	if object == "monitor" {
		return do(c, "")
	}
	verb, ok := "show", true
	if len(words) > 0 {
		if verb, ok = verbs[words[0]]; ok {
			c.words = words[1:]
		} else {
			return Usage{fmt.Errorf("ip %s: %q is no command", object, words[0])}
		}
	}
	return do(c, verb)
}

// more reports whether there are words left.
func (c *command) more() bool { return len(c.words) > 0 }

// word takes the next word; "" if there is none.
func (c *command) word() string {
	if len(c.words) == 0 {
		return ""
	}
	w := c.words[0]
	c.words = c.words[1:]
	return w
}

// value takes the word that must follow name.
func (c *command) value(name string) (string, error) {
	if w := c.word(); w != "" {
		return w, nil
	}
	return "", Usage{fmt.Errorf("%q wants a value", name)}
}

// unknown is what a word is that nobody expects there.
func unknown(w string) error { return Usage{fmt.Errorf("%q is not understood here", w)} }

// wanted reports whether the family is asked for.
func (c *command) wanted(family uint8) bool { return c.Family == 0 || c.Family == int(family) }

// print writes v as JSON, or its lines.
func (c *command) print(v any, text func()) error {
	if !c.JSON {
		text()
		return nil
	}
	b, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(c.Out, "%s\n", b)
	}
	return err
}

func (c *command) printf(format string, args ...any) {
	fmt.Fprintf(c.Out, format, args...) //nolint:errcheck // nobody to tell
}

// name is the name of a link.
func (c *command) name(index int) string {
	if c.names == nil {
		if _, err := c.links(); err != nil {
			return fmt.Sprintf("if%d", index)
		}
	}
	if n, ok := c.names[index]; ok {
		return n
	}
	return fmt.Sprintf("if%d", index)
}

// index finds a link by its name.
func (c *command) index(name string) (int, error) {
	all, err := c.links()
	if err != nil {
		return 0, err
	}
	for _, l := range all {
		if l.Name == name {
			return l.Index, nil
		}
	}
	return 0, fmt.Errorf("the plane has no device %q: %s", name, strings.Join(c.known(), ", "))
}

// known lists the names of the links.
func (c *command) known() (all []string) {
	for i := 1; i <= len(c.names); i++ {
		all = append(all, c.names[i])
	}
	return all
}

// prefix reads ADDRESS/BITS; without bits it is one address.
func prefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, Usage{fmt.Errorf("%q: want ADDRESS/BITS, as 10.9.0.2/24", s)}
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// address reads an address.
func address(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, Usage{fmt.Errorf("%q is no address", s)}
	}
	return a, nil
}

// familyOf is the number of a's family.
func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// attrs are attributes by type; those that nobody knows do no harm.
type attrs map[uint16][]byte

func parse(b []byte, skip int) (attrs, error) {
	if len(b) < skip {
		return nil, errors.New("the plane sent a short message")
	}
	list, err := nl.ParseRouteAttr(b[skip:])
	if err != nil {
		return nil, err
	}
	a := attrs{}
	for _, x := range list {
		a[x.Attr.Type&nl.NLA_TYPE_MASK] = x.Value
	}
	return a, nil
}

func (a attrs) u32(t uint16) uint32 {
	if len(a[t]) < 4 {
		return 0
	}
	return native.Uint32(a[t])
}

// addr is an address; not valid if there is none.
func (a attrs) addr(t uint16) netip.Addr {
	x, _ := netip.AddrFromSlice(a[t])
	return x
}

// shown is an address, "" where there is none.
func shown(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
