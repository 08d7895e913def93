package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/bench/load"
)

// byWrk measures one item with wrk, as a check of this program's own load. wrk does not check
// bodies. It comes from one address, and does not count the calls whose responses it does not wait
// for at the end, so the usage may show up to one more for each connection and round.
func byWrk(b *bench) ([]*kind, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		b.skip("wrk is missing: `make needs-peers` installs it")
		return nil, nil
	}
	s, err := b.newSubject("SQLite", nil)
	if err != nil {
		return nil, err
	}
	b.current = nil // its usage can't be compared exactly
	t, err := s.newTokens(b.tokens, 1)
	if err != nil {
		return nil, err
	}
	calls, body, err := s.expecting(t, oneItem)
	if err != nil {
		return nil, err
	}
	echo, err := b.bare("echo", body)
	if err != nil {
		return nil, err
	}
	base, err := b.wrkKind("wrk/echo", "bare Echo", t, calls[0], echo.addr, echo.pids[0])
	if err != nil {
		return nil, err
	}
	base.isOther = true
	own, err := b.wrkKind("wrk/stile", "stile, JSONP", t, calls[0], s.addr, s.server.PID())
	section := b.report.sections[len(b.report.sections)-1]
	section.notes = append(section.notes, "wrk measures whole seconds, and has no percentile above p99.")
	return []*kind{base, against(base, own)}, err
}

// wrkScript sends one of the lines of a file each time, at random.
const wrkScript = `wrk.headers["Referer"], wrk.headers["User-Agent"] = "https://www.acme.example/", "bench"
local requests = {}
function init(args)
  for path in io.lines(%q) do requests[#requests + 1] = wrk.format("GET", path) end
end
function request() return requests[math.random(#requests)] end
`

// wrkKind returns a measurement by wrk, from the address to which the tokens are bound.
func (b *bench) wrkKind(key, name string, t *tokenSet, c call, addr string, pid int) (*kind, error) {
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	seconds := int(math.Ceil(b.duration.Seconds()))
	before, _ := c.around(addr, "", 0)
	var paths strings.Builder
	for i := range t.len() {
		fmt.Fprintf(&paths, "%s%s%s\n", strings.TrimPrefix(before, "GET "), t.start, t.rest(i))
	}
	file, script := filepath.Join(dir, "paths"), filepath.Join(dir, "wrk.lua")
	if err := os.WriteFile(file, []byte(paths.String()), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkScript, file), 0o600); err != nil {
		return nil, err
	}
	return &kind{key: key, name: name, noTail: true, measure: func() (load.Result, error) {
		before, err := load.CPUOf(pid)
		if err != nil {
			return load.Result{}, err
		}
		cmd := exec.Command("wrk", "-t1", fmt.Sprintf("-c%d", b.conns), fmt.Sprintf("-d%ds", seconds), "--latency", "-s", script, "http://"+addr)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return load.Result{}, fmt.Errorf("wrk: %w\n%s", err, out)
		}
		r, err := readWrk(string(out))
		if err != nil {
			return r, err
		}
		after, err := load.CPUOf(pid)
		r.CPU = after - before
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		r.OwnCPU = time.Duration(used.Utime.Nano() + used.Stime.Nano())
		return r, err
	}}, nil
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^\s*(\d+) requests in ([0-9.]+m?s),`)
	wrkLatency  = regexp.MustCompile(`(?m)^\s*(50|99)%\s+([0-9.]+[mu]?s)$`)
	wrkFailures = regexp.MustCompile(`(?m)^\s*(Non-2xx.*|Socket errors.*)$`)
)

// readWrk reads what wrk prints. Its latencies are only the median and the 99th percentile.
func readWrk(out string) (load.Result, error) {
	r := load.Result{Latencies: &load.Histogram{}}
	if failed := wrkFailures.FindString(out); failed != "" {
		return r, fmt.Errorf("wrk: %s", strings.TrimSpace(failed))
	}
	m := wrkRequests.FindStringSubmatch(out)
	if m == nil {
		return r, fmt.Errorf("wrk printed no number of requests: %.300s", out)
	}
	r.Calls, _ = strconv.Atoi(m[1])
	var err error
	if r.Elapsed, err = time.ParseDuration(m[2]); err != nil {
		return r, err
	}
	for _, m := range wrkLatency.FindAllStringSubmatch(out, -1) {
		d, err := time.ParseDuration(m[2])
		if err != nil {
			return r, err
		}
		for range 50 { // so that the histogram has these two percentiles
			r.Latencies.Add(d)
		}
	}
	return r, nil
}
