package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plan is a load: each connection sends its next request as soon as the response to the previous
// one has arrived.
type plan struct {
	addr     string
	conns    int
	requests func(conn int) [][]byte // what a connection sends, repeatedly
	once     bool                    // send each request only once
	want     []byte                  // start of each body: the status of a JSONP refusal is 200 too
	duration time.Duration
}

// result is the outcome of a load.
type result struct {
	calls     int
	perSecond float64
	latencies []time.Duration // ascending
	cpu       time.Duration   // used by the servers' processes
}

func (r result) String() string {
	return fmt.Sprintf("%6.0f/s, p99 %v, CPU %.1f µs a call", r.perSecond, r.p99().Round(10*time.Microsecond), r.cpuPerCall())
}

func (r result) p99() time.Duration { return r.percentile(.99) }

// cpuPerCall returns the CPU time of one call, in microseconds.
func (r result) cpuPerCall() float64 {
	return float64(r.cpu.Nanoseconds()) / 1000 / float64(max(r.calls, 1))
}

// percentile returns the latency that a share p of all calls, 0 to 1, did not exceed.
func (r result) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(int(p*float64(len(r.latencies))), len(r.latencies)-1)]
}

// runAgainst runs a plan, and measures the CPU time that the servers' processes use for it. A busy
// machine distorts that figure less than the throughput.
func (p plan) runAgainst(pids ...int) (result, error) {
	before, err := cpuOfAll(pids)
	if err != nil {
		return result{}, err
	}
	r, err := p.run()
	if err != nil {
		return r, err
	}
	after, err := cpuOfAll(pids)
	r.cpu = after - before
	return r, err
}

func cpuOfAll(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		one, err := cpuOf(pid)
		if err != nil {
			return 0, err
		}
		sum += one
	}
	return sum, nil
}

// cpuOf returns the CPU time that a process has used since its start: proc(5), stat, fields 14 and
// 15, in ticks of 10 ms.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third field
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond, nil
}

// run runs a plan. A response other than the expected one ends its connection, and run returns the
// error.
func (p plan) run() (result, error) {
	var (
		mu    sync.Mutex
		total result
		first error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for n := range p.conns {
		wg.Go(func() {
			latencies, err := p.connection(n, start.Add(p.duration))
			mu.Lock()
			defer mu.Unlock()
			total.latencies = append(total.latencies, latencies...)
			if err != nil && first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	total.calls = len(total.latencies)
	total.perSecond = float64(total.calls) / time.Since(start).Seconds()
	slices.Sort(total.latencies)
	return total, first
}

// connection sends requests over one connection until end, and returns how long each call took.
func (p plan) connection(n int, end time.Time) (latencies []time.Duration, err error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in, requests := bufio.NewReaderSize(conn, 64<<10), p.requests(n)
	for i := 0; ; i++ {
		start := time.Now()
		if start.After(end) {
			return latencies, nil
		}
		if p.once && i == len(requests) {
			return latencies, fmt.Errorf("no requests left after %d", i)
		}
		if _, err := conn.Write(requests[i%len(requests)]); err != nil {
			return latencies, err
		}
		if err := p.readResponse(in); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(start))
	}
}

// readResponse reads one response, which must have a Content-Length, and checks how its body
// begins.
func (p plan) readResponse(in *bufio.Reader) error {
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read header: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		const name = "content-length:" // HAProxy sends names in lower case
		if len(line) > len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("a response without Content-Length")
	}
	body, err := in.Peek(min(length, len(p.want)))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if !bytes.Equal(body, p.want) {
		rest, _ := io.ReadAll(io.LimitReader(in, int64(length)))
		return fmt.Errorf("unexpected response: %.300s", rest)
	}
	_, err = in.Discard(length)
	return err
}
