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

// plan is a load: connections that send requests one after the other, as fast
// as the answers come.
type plan struct {
	addr     string
	conns    int
	requests func(conn int) [][]byte // what a connection sends, over and over
	once     bool                    // send each only once
	good     []byte                  // what each body begins with: a refusal over JSONP is 200 too
	duration time.Duration
}

// result is what a load got.
type result struct {
	calls     int
	perSecond float64
	latencies []time.Duration // ascending
	cpu       time.Duration   // of the server's process
}

func (r result) String() string {
	return fmt.Sprintf("%6.0f/s, p99 %v, CPU %.1f µs a call", r.perSecond, r.percentile(.99).Round(10*time.Microsecond),
		float64(r.cpu.Nanoseconds())/1000/float64(max(r.calls, 1)))
}

// percentile is the latency that p of all calls, 0 to 1, did not exceed.
func (r result) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(int(p*float64(len(r.latencies))), len(r.latencies)-1)]
}

// runBy carries a plan out, and notes the CPU time that the server's process
// took for it: a figure that a busy machine disturbs less than the throughput.
func (p plan) runBy(pid int) (result, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return result{}, err
	}
	r, err := p.run()
	if err != nil {
		return r, err
	}
	after, err := cpuOf(pid)
	r.cpu = after - before
	return r, err
}

// cpuOf is the CPU time of a process since it began: proc(5), stat, fields 14
// and 15, in ticks of 10 ms.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the third field on
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

// run carries a plan out. Any answer that is not good ends it with an error.
func (p plan) run() (result, error) {
	var (
		mu    sync.Mutex
		total result
		fault error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for n := range p.conns {
		wg.Go(func() {
			latencies, err := p.connection(n, start.Add(p.duration))
			mu.Lock()
			defer mu.Unlock()
			total.latencies = append(total.latencies, latencies...)
			if err != nil && fault == nil {
				fault = err
			}
		})
	}
	wg.Wait()
	total.calls = len(total.latencies)
	total.perSecond = float64(total.calls) / time.Since(start).Seconds()
	slices.Sort(total.latencies)
	return total, fault
}

func (p plan) connection(n int, end time.Time) (latencies []time.Duration, err error) {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in, requests := bufio.NewReaderSize(conn, 64<<10), p.requests(n)
	for i := 0; ; i++ {
		began := time.Now()
		if began.After(end) {
			return latencies, nil
		}
		if p.once && i == len(requests) {
			return latencies, fmt.Errorf("out of requests after %d", i)
		}
		if _, err := conn.Write(requests[i%len(requests)]); err != nil {
			return latencies, err
		}
		if err := p.answer(in); err != nil {
			return latencies, err
		}
		latencies = append(latencies, time.Since(began))
	}
}

// answer reads one answer, which must have a length, and looks at its body.
func (p plan) answer(in *bufio.Reader) error {
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read header: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer without Content-Length")
	}
	body, err := in.Peek(min(length, len(p.good)))
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if !bytes.Equal(body, p.good) {
		rest, _ := io.ReadAll(io.LimitReader(in, int64(length)))
		return fmt.Errorf("not the answer: %.300s", rest)
	}
	_, err = in.Discard(length)
	return err
}
