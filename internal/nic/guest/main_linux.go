package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is process 1 of the NIC test's machine")
		os.Exit(2)
	}
	if err := setUp(parameters()); err != nil {
		say("failed: %v", err)
		powerOff()
	}
	probe()
	say("ready")
	in := bufio.NewScanner(os.Stdin)
	var run *exec.Cmd
	for in.Scan() {
		verb, arg, _ := strings.Cut(strings.TrimSpace(in.Text()), " ")
		switch verb {
		case "serve":
			run = serve(arg)
		case "term":
			if run != nil {
				_ = run.Process.Signal(unix.SIGTERM) // it may have ended
			}
		case "reset":
			if run != nil {
				_ = run.Process.Signal(unix.SIGHUP)
			}
		case "off":
			powerOff()
		}
	}
	powerOff()
}

// console keeps lines whole.
var console sync.Mutex

func say(format string, args ...any) {
	console.Lock()
	defer console.Unlock()
	fmt.Printf("guest: "+format+"\n", args...)
}

// parameters reads nic.NAME=VALUE from the kernel's command line.
func parameters() map[string]string {
	m := map[string]string{}
	_ = os.Mkdir("/proc", 0o755) // it is in the image
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		say("failed: mount /proc: %v", err)
	}
	b, _ := os.ReadFile("/proc/cmdline")
	for _, f := range strings.Fields(string(b)) {
		if k, v, ok := strings.Cut(f, "="); ok && strings.HasPrefix(k, "nic.") {
			m[strings.TrimPrefix(k, "nic.")] = v
		}
	}
	return m
}

// probe prints the devices as the program sees them.
func probe() {
	out, err := exec.Command("/dataplane", "ports", "--probe").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		say("probe: %s", strings.TrimSpace(line))
	}
	if err != nil {
		say("probe: %v", err)
	}
}

// serve starts the plane. Its end is announced.
func serve(name string) *exec.Cmd {
	cmd := exec.Command("/dataplane", "serve", "-c", "/etc/"+name+".yaml", "--stats")
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = cmd.Stdout
		err = cmd.Start()
	}
	if err != nil {
		say("exit 127: %v", err)
		return nil
	}
	go func() {
		relay(stdout)
		_ = cmd.Wait() // its status is in the state
		if ws := cmd.ProcessState; ws.Exited() {
			say("exit %d", ws.ExitCode())
		} else {
			say("exit 255: %v", ws)
		}
	}()
	return cmd
}

// relay copies lines to the console until the end.
func relay(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			console.Lock()
			fmt.Println("serve: " + strings.TrimSuffix(line, "\n"))
			console.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// powerOff ends the machine.
func powerOff() {
	say("off")
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // process 1 must not end
}
