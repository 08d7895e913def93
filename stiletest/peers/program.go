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

// stopTimeout is how long a program may take to exit after SIGTERM.
const stopTimeout = 10 * time.Second

// Program is a running third-party server.
type Program struct {
	URL string // without a path

	cmd    *exec.Cmd
	output output
	ended  chan struct{}
}

// Start starts cmd and waits until it accepts connections on port, for at most timeout.
func Start(cmd *exec.Cmd, port int, timeout time.Duration) (*Program, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := &Program{URL: "http://" + address, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true // Stop ends its child processes too
	cmd.WaitDelay = stopTimeout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { cmd.Wait(); close(p.ended) }()
	if err := p.waitFor(address, timeout); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Program) waitFor(address string, timeout time.Duration) error {
	for end := time.Now().Add(timeout); time.Now().Before(end); {
		if c, err := net.Dial("tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s exited: %v\n%s", p.cmd.Path, p.cmd.ProcessState, p.Output())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not listen after %v\n%s", p.cmd.Path, timeout, p.Output())
}

// Output returns what the program has written to standard output and standard error.
func (p *Program) Output() string { return p.output.String() }

// Stop ends the program and its child processes. It kills them if they take longer than
// stopTimeout.
func (p *Program) Stop() error {
	group := -p.cmd.Process.Pid
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		select {
		case <-p.ended:
			syscall.Kill(group, syscall.SIGKILL) // its remaining child processes
			return nil
		case <-time.After(stopTimeout):
		}
	}
	return fmt.Errorf("%s does not exit", p.cmd.Path)
}

// output is a buffer for concurrent use.
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
