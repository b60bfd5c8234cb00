package options

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// notOptions are constants that begin like options.
var notOptions = regexp.MustCompile(`^(SO_EE_|SO_VM_|IP_(DEFAULT|DF|MF|RF|MAX|MSS|OFFMASK|PMTUDISC_|USER_FLOW)|` +
	`IPV6_(PMTUDISC_|RTHDR_|VERSION|FLOW|USER_FLOW|FLOWINFO_MASK|FLOWLABEL_MASK)|` +
	`TCP_(ACCECN|AO_KEYF|AO_MAX|COOKIE_(IN|OUT|MAX|MIN|PAIR)|MAXWIN|MAX_WIN|MSS|MD5SIG_(FLAG|MAX)|REPAIR_O[FN]|S_DATA|V[46]_FLOW)|` +
	`UDP_(ENCAP_|V[46]_FLOW)|` +
	`PACKET_(BROADCAST|HOST|KERNEL|LOOPBACK|MR_|MULTICAST|OTHERHOST|OUTGOING|USER|FASTROUTE|FANOUT_[C-R]))`)

// TestNames: every option that golang.org/x/sys/unix names is in the table, with its number.
func TestNames(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Skipf("golang.org/x/sys/unix is not to be found: %v", err)
	}
	levels := map[string]int{"SO": Socket, "IP": IP, "IPV6": IPv6, "TCP": ForTCP, "UDP": ForUDP, "PACKET": Link}
	line := regexp.MustCompile(`(?m)^\s+((SO|IP|IPV6|TCP|UDP|PACKET)_[A-Z0-9_]+)\s+= (0x[0-9a-f]+|[0-9]+)$`)
	n := 0
	for _, file := range []string{"zerrors_linux.go", "zerrors_linux_amd64.go", "ztypes_linux.go"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllStringSubmatch(string(text), -1) {
			if notOptions.MatchString(m[1]) {
				continue
			}
			num, _ := strconv.ParseInt(m[3], 0, 32)
			r := Find(levels[m[2]], int(num))
			if r == nil || !strings.Contains(", "+r.Name+",", ", "+m[1]+",") {
				t.Errorf("%s = %d is not in the table", m[1], num)
			}
			n++
		}
	}
	if n < 200 {
		t.Errorf("only %d options were found", n)
	}
}
