package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"

	"stile.example/stile/challenge"
	"stile.example/stile/stiletest/leftovers"
)

//go:embed page.html
var page []byte

// solution is the counter that the browser found, and how long it took.
type solution struct {
	Counter      uint32
	Milliseconds float64
}

// found is what the page reports. The times of a proof are in microseconds.
type found struct {
	Solutions []solution
	Proofs    struct{ Signature, MAC float64 }
}

// solve starts a browser that solves the tasks in sequence, in one worker, and then makes proofs.
func solve(ctx context.Context, browser string, tasks []challenge.Parameters) (found, error) {
	program, err := exec.LookPath(browser)
	if err != nil {
		return found{}, fmt.Errorf("%s is missing: install a browser (apt-get install chromium)", browser)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return found{}, err
	}
	site := newSite(tasks)
	server := &http.Server{Handler: site}
	go server.Serve(l)
	defer server.Close()
	stop, err := open(ctx, program, "http://"+l.Addr().String()+"/")
	if err != nil {
		return found{}, err
	}
	defer stop()
	select {
	case r := <-site.results:
		return r.found, r.err
	case <-ctx.Done():
		return found{}, errors.New("the browser did not respond in time")
	}
}

// open starts a browser with a profile of its own. The caller must call stop.
func open(ctx context.Context, program, url string) (stop func(), err error) {
	profile, err := os.MkdirTemp("", "stile-chromium")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+profile, url)
	cmd.Env = append(os.Environ(), "TMPDIR="+profile)     // Chromium leaves a folder there
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // stop ends all processes of the browser
	if err := errors.Join(leftovers.Remove(profile), leftovers.Start(cmd)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(profile))
	}
	return func() {
		// SIGTERM first: a child process that is killed later would write to its profile again.
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		os.RemoveAll(profile)
	}, nil
}

// site serves the page and its tasks, and receives the solutions.
type site struct {
	*http.ServeMux
	results chan result
}

type result struct {
	found found
	err   error
}

func newSite(tasks []challenge.Parameters) *site {
	s := &site{http.NewServeMux(), make(chan result, 1)}
	s.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })
	s.HandleFunc("GET /tasks", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(tasks) })
	s.HandleFunc("POST /error", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		s.report(result{err: fmt.Errorf("error in the page: %s", text)})
	})
	s.HandleFunc("POST /found", func(_ http.ResponseWriter, r *http.Request) {
		var all found
		err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&all)
		if err == nil && len(all.Solutions) != len(tasks) {
			err = fmt.Errorf("%d of %d tasks were solved", len(all.Solutions), len(tasks))
		}
		s.report(result{all, err})
	})
	return s
}

// report passes on the first result, and drops the others.
func (s *site) report(r result) {
	select {
	case s.results <- r:
	default:
	}
}
