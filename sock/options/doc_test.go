package options

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/options.md from the table")

const docFile = "../../docs/options.md"

const docHead = `# Socket options

Every option of Linux and what becomes of it here, by level. This page is printed from the
table that the code asks itself (sock/options); change it there and run
` + "`go test ./sock/options -run TestOptionsDoc -update`" + `.

For each type of socket:

- **yes**: it does what it does in Linux. *read* or *set*: in this direction only.
- *kept*: it is taken and given back, and that is all, as in Linux on this type.
- an errno: setting it is refused with that. Where Linux has no such limit the note says why it is refused here.
- –: it has no meaning here: ` + "`ENOPROTOOPT`" + `, whichever way. Nothing is accepted without effect.

Values are bytes, as setsockopt and getsockopt have them: an int that is shorter than four
bytes gets ` + "`EINVAL`" + `, but for those of level IPPROTO_IP, which may be one byte. A level that the
type does not have is ` + "`ENOPROTOOPT`" + ` to set and ` + "`EOPNOTSUPP`" + ` to read, but for packet
and netlink sockets, which know only the first.
A filter is passed as its instructions, without the struct sock_fprog that points to them.
`

var sections = []struct {
	level int
	title string
	types []Types
}{
	{Socket, "SOL_SOCKET", []Types{TCP, UDP, Raw, Packet, Unix, Netlink}},
	{IP, "IPPROTO_IP", []Types{TCP, UDP, Raw}},
	{IPv6, "IPPROTO_IPV6 (sockets of AF_INET6)", []Types{TCP, UDP, Raw}},
	{ForTCP, "IPPROTO_TCP", []Types{TCP}},
	{ForUDP, "IPPROTO_UDP", []Types{UDP}},
	{ForRaw, "SOL_RAW", []Types{Raw}},
	{ForICMPv6, "IPPROTO_ICMPV6", []Types{Raw}},
	{Link, "SOL_PACKET", []Types{Packet}},
	{ForNetlink, "SOL_NETLINK", []Types{Netlink}},
}

var titles = map[Types]string{TCP: "stream", UDP: "datagram", Raw: "raw", Packet: "packet", Unix: "unix", Netlink: "netlink"}

// cell says what becomes of r on a type of socket.
func cell(r *Row, t Types) string {
	switch {
	case r.Works&t != 0:
		return [...]string{"**yes**", "*read*", "*set*"}[r.Mode]
	case r.Kept&t != 0:
		return "*kept*"
	case r.Errno != 0:
		return errnoName[r.Errno]
	}
	return "–"
}

var errnoName = map[syscall.Errno]string{
	syscall.EINVAL: "EINVAL", syscall.EPERM: "EPERM", syscall.EOPNOTSUPP: "EOPNOTSUPP", syscall.ENOENT: "ENOENT",
}

func document() []byte {
	var b bytes.Buffer
	b.WriteString(docHead)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| option | number |", s.title)
		for _, t := range s.types {
			fmt.Fprintf(&b, " %s |", titles[t])
		}
		fmt.Fprintf(&b, " |\n|---|---:|%s---|\n", strings.Repeat("---|", len(s.types)))
		for _, r := range Table() {
			if r.Level != s.level {
				continue
			}
			fmt.Fprintf(&b, "| %s | %d |", r.Name, r.Num)
			for _, t := range s.types {
				fmt.Fprintf(&b, " %s |", cell(&r, t))
			}
			fmt.Fprintf(&b, " %s |\n", r.Note)
		}
	}
	return b.Bytes()
}

func TestOptionsDoc(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(docFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("docs/options.md is stale (%v); run: go test ./sock/options -run TestOptionsDoc -update", err)
	}
}
