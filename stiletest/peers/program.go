package peers

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// stopping is how long a program may take to end by itself.
const stopping = 10 * time.Second

// Program is a running server of other hands.
type Program struct {
	URL string // without a path

	cmd    *exec.Cmd
	output output
	ended  chan struct{}
}

// FreePort is a port of this machine that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Start starts cmd, which will listen on port, and returns once it takes
// connections. It may take patience for that.
func Start(cmd *exec.Cmd, port int, patience time.Duration) (*Program, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := &Program{URL: "http://" + address, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it may have children: all are stopped
	cmd.WaitDelay = stopping
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { cmd.Wait(); close(p.ended) }()
	if err := p.waitFor(address, patience); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Program) waitFor(address string, patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %v\n%s", p.cmd.Path, p.cmd.ProcessState, p.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen after %v\n%s", p.cmd.Path, patience, p.Output())
}

// Output is what the program has written, to standard output and error.
func (p *Program) Output() string { return p.output.String() }

// Stop ends the program and its children, by force if they take too long.
func (p *Program) Stop() error {
	group := -p.cmd.Process.Pid
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		select {
		case <-p.ended:
			syscall.Kill(group, syscall.SIGKILL) // children that outlive it
			return nil
		case <-time.After(stopping):
		}
	}
	return fmt.Errorf("%s does not end", p.cmd.Path)
}

// output is a buffer that one may read while another writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
