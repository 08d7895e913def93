// Package leftovers ends child processes and removes directories when this process ends, however
// it ends: a test that is interrupted, or killed by the time limit of a CI, calls no cleanup.
package leftovers

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Start starts a child process. If this process ends before it, the kernel ends it too, with the
// command's Pdeathsig or else SIGKILL. The child's own children get no signal.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if cmd.SysProcAttr.Pdeathsig == 0 {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	err := make(chan error)
	starter() <- func() { err <- cmd.Start() }
	return <-err
}

// starter starts processes on one thread that never ends. The kernel sends Pdeathsig when the
// thread that started a child ends, not when the process does.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// Remove removes a directory once this process has ended.
func Remove(dir string) error {
	in, err := janitor()
	if err == nil {
		_, err = fmt.Fprintln(in, dir)
	}
	return err
}

// janitor starts a shell that reads names of directories. It waits for the end of its input, which
// is the end of this process. It has a process group of its own, which Ctrl-C does not reach.
var janitor = sync.OnceValues(func() (io.Writer, error) {
	cmd := exec.Command("sh", "-c", `set --; while read -r d; do set -- "$@" "$d"; done; sleep 1; rm -rf "$@"`)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return in, cmd.Start()
})
