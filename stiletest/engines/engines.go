// Package engines starts the engines that several nodes share, for tests and measurements:
// PostgreSQL, PgBouncer, Redis, Valkey and HAProxy, the real programs, as child processes in
// temporary directories and on free ports of the loopback interface. They end with the test
// process, even if it is killed.
//
// A program that is missing fails the test: `make needs-engines` installs all of them.
package engines

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest/leftovers"
	"stile.example/stile/stiletest/ports"
)

const (
	maxWait = 30 * time.Second // for an engine to start
	maxStop = 10 * time.Second // for an engine to stop by itself
	poll    = 10 * time.Millisecond
	starts  = 10 // attempts, each on another port

	// maxReply is for sentinels to elect a master, too: an election that fails, such as on a machine
	// that is busy, is repeated after twice their failover-timeout.
	maxReply = time.Minute
)

// Engine is one engine that runs. Its methods must not be called concurrently.
type Engine struct {
	Addr string // host:port
	Port int

	t       testing.TB // nil: the engine belongs to all tests of the process
	dir     string
	argv    func(e *Engine) []string // the command, for the engine's port
	ready   func(e *Engine) error    // returns nil once the engine serves
	stop    syscall.Signal
	account *syscall.Credential // nil: of the test process

	cmd    *exec.Cmd
	exited chan struct{} // closed once the process has ended
}

// Dir returns the engine's directory, in which its files and its log are.
func (e *Engine) Dir() string { return e.dir }

// PID returns the number of the process.
func (e *Engine) PID() int { return e.cmd.Process.Pid }

// fail ends the test, or panics if the engine belongs to no test.
func (e *Engine) fail(format string, args ...any) {
	if e.t == nil {
		panic(fmt.Sprintf("engines: "+format, args...))
	}
	e.t.Helper()
	e.t.Fatalf("engines: "+format, args...)
}

// launch starts an engine for the first time, on a free port. A program that does not belong to a
// test may take the port before the engine does, so it tries several.
func (e *Engine) launch() error {
	for attempt := 1; ; attempt++ {
		var err error
		if e.Port, err = ports.Free(); err != nil {
			return err
		}
		e.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(e.Port))
		err = e.run()
		if err == nil || attempt == starts || !errors.Is(err, errExited) {
			return err
		}
	}
}

var errExited = errors.New("the process has ended")

// run starts the process, and returns once it serves.
func (e *Engine) run() error {
	argv := e.argv(e)
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	e.cmd = exec.Command(argv[0], argv[1:]...)
	e.cmd.Dir, e.cmd.Stdout, e.cmd.Stderr = e.dir, log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: e.account}
	if err := leftovers.Start(e.cmd); err != nil {
		return err
	}
	e.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) { cmd.Wait(); close(exited) }(e.cmd, e.exited)
	return e.await()
}

// await returns once the engine serves, or has ended.
func (e *Engine) await() error {
	for deadline := time.Now().Add(maxWait); ; {
		err := e.ready(e)
		if err == nil {
			return nil
		}
		select {
		case <-e.exited:
			return fmt.Errorf("%s: %w\n%s", e.cmd.Path, errExited, e.log())
		case <-time.After(poll):
		}
		if time.Now().After(deadline) {
			e.signal(syscall.SIGKILL)
			return fmt.Errorf("%s does not serve after %s: %w\n%s", e.cmd.Path, maxWait, err, e.log())
		}
	}
}

// log returns the end of the engine's log.
func (e *Engine) log() []byte {
	b, _ := os.ReadFile(filepath.Join(e.dir, "log"))
	return bytes.TrimSpace(b[max(0, len(b)-2000):])
}

// signal sends a signal to all processes of the engine.
func (e *Engine) signal(s syscall.Signal) {
	for _, pid := range Family(e.cmd.Process.Pid) {
		syscall.Kill(pid, s)
	}
}

// Family returns a process and its children. Those of PostgreSQL leave its process group.
func Family(pid int) []int {
	pids := []int{pid}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for child := range strings.FieldsSeq(string(text)) {
		if n, err := strconv.Atoi(child); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}

// Stop ends the engine as an operator would, so that it writes what is not written yet.
func (e *Engine) Stop() {
	syscall.Kill(e.cmd.Process.Pid, e.stop)
	select {
	case <-e.exited:
	case <-time.After(maxStop):
		e.fail("%s does not stop after %s\n%s", e.cmd.Path, maxStop, e.log())
	}
}

// Kill ends all processes of the engine at once, as a crash would.
func (e *Engine) Kill() {
	pids := Family(e.cmd.Process.Pid)
	e.signal(syscall.SIGKILL)
	<-e.exited
	for _, pid := range pids { // a child that ends keeps PostgreSQL from starting
		for deadline := time.Now().Add(maxStop); syscall.Kill(pid, 0) == nil && time.Now().Before(deadline); {
			time.Sleep(poll)
		}
	}
}

// Pause stops the engine from running, with all its connections open, until [Engine.Resume].
func (e *Engine) Pause() { e.signal(syscall.SIGSTOP) }

// Resume lets a paused engine run again.
func (e *Engine) Resume() { e.signal(syscall.SIGCONT) }

// Restart starts the engine again after [Engine.Stop] or [Engine.Kill], with the same data and on
// the same port, and returns once it serves.
func (e *Engine) Restart() {
	if err := e.run(); err != nil {
		e.fail("%v", err)
	}
}

// newEngine returns an engine that is not started yet, with a directory of its own that is removed
// at the end of the test, and in any case after the test process has ended.
func newEngine(t testing.TB, name string) (*Engine, error) {
	e := &Engine{t: t, stop: syscall.SIGTERM}
	var err error
	if e.dir, err = os.MkdirTemp("", "stile-"+name+"-"); err != nil {
		return nil, err
	}
	if err := leftovers.Remove(e.dir); err != nil {
		return nil, err
	}
	if t != nil {
		t.Cleanup(func() {
			if e.cmd != nil && e.cmd.Process != nil {
				e.Kill()
			}
			os.RemoveAll(e.dir)
		})
	}
	return e, nil
}

// unprivileged makes the engine run as another account if the test runs as root, which PostgreSQL
// and PgBouncer refuse.
func (e *Engine) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		e.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(e.dir, uid, gid)
	}
	return errors.New("PostgreSQL can't run as root, and there is no account postgres or nobody")
}

// write writes a file into the engine's directory, and returns its path.
func (e *Engine) write(name, text string) (string, error) {
	file := filepath.Join(e.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	if e.account == nil {
		return file, nil
	}
	return file, os.Chown(file, int(e.account.Uid), int(e.account.Gid))
}

// program returns the path of a program that `make needs-engines` installs.
func program(name string, places ...string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, place := range places {
		found, _ := filepath.Glob(filepath.Join(place, name))
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("%s is missing: run `make needs-engines`", name)
}

// root returns the directory of the module.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not in a module")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
