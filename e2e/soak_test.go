package e2e

import (
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	soak    = flag.Duration("soak", 8*time.Second, "how long TestSoak lasts")
	soakOut = flag.String("soak-out", "", "directory for soak.csv and soak.svg of TestSoak (default: none)")
)

const (
	soakLoad     = 0.6 // of the rate that the server reaches
	soakTokens   = 1000
	maxGrowth    = 1.0              // MB an hour
	growthAfter  = 30 * time.Minute // shorter runs say nothing about growth
	soakInterval = time.Second
	soakReport   = time.Minute     // between two lines of the log
	minSoak      = 5 * time.Second // for enough samples
)

// sample is what the server uses at a time since the start.
type sample struct {
	at                time.Duration
	rss, heap         float64 // MB
	goroutines, files int
	answered          int64
}

func (s sample) String() string {
	return fmt.Sprintf("after %v: %d answered, RSS %.0f MB, heap %.0f MB, %d goroutines, %d files",
		s.at.Round(time.Second), s.answered, s.rss, s.heap, s.goroutines, s.files)
}

// TestSoak sends calls of all kinds at 60 % of the rate that the server reaches. After a warm-up of
// a quarter of the time, the memory grows by less than 1 MB an hour, and the goroutines and open
// files stay as many. `make soak` runs it for an hour.
func TestSoak(t *testing.T) {
	if *soak < minSoak {
		t.Fatalf("-soak %v: must be at least %v", *soak, minSoak)
	}
	s := newServer(t, trusting+"policy: {token: {calls: 100000000, records: 2000000000}}")
	l := &soakLoadGen{server: s, tokens: s.manyTokens(soakTokens)}
	l.run(2*time.Second, 0) // so that all tokens are known
	l.answered.Store(0)
	l.run(2*time.Second, 0)
	rate := soakLoad * float64(l.answered.Load()) / 2
	var samples []sample
	stop := make(chan struct{})
	var measured sync.WaitGroup
	measured.Go(func() { samples = l.measure(stop) })
	l.answered.Store(0)
	l.run(*soak, rate)
	close(stop)
	measured.Wait()
	calls := float64(l.answered.Load()) / soak.Seconds()
	t.Logf("%.0f calls/s for %v, of a goal of %.0f", calls, *soak, rate)
	t.Logf("%d requests were refused as overloaded", l.overloaded.Load())
	if l.failed.Load() > 0 || l.overloaded.Load() > l.answered.Load()/1000 {
		t.Errorf("%d requests failed: the first %v; %d of %d were refused as overloaded", l.failed.Load(), l.first.Load(), l.overloaded.Load(), l.answered.Load())
	}
	s.must(writeSoak(*soakOut, samples))
	checkSoak(t, samples[len(samples)/4:])
}

// soakLoadGen sends requests at a rate over 16 connections.
type soakLoadGen struct {
	*server
	tokens           []string
	next             atomic.Int64
	answered, failed atomic.Int64
	overloaded       atomic.Int64 // 503: the search has waited too long for a processor
	first            atomic.Value
}

// run sends at a rate, or as fast as possible if it is 0.
func (l *soakLoadGen) run(length time.Duration, rate float64) {
	const conns = 16
	var wg sync.WaitGroup
	start := time.Now()
	for w := range conns {
		wg.Go(func() {
			c := l.newConn()
			defer c.close()
			for n := 0; time.Since(start) < length; n++ {
				if rate > 0 {
					due := start.Add(time.Duration(float64(n*conns+w) / rate * float64(time.Second)))
					time.Sleep(time.Until(due))
				}
				l.send(c, int(l.next.Add(1)))
			}
		})
	}
	wg.Wait()
}

// send sends request n. Most are calls; each thousandth opens a new connection, and a few are
// refused.
func (l *soakLoadGen) send(c *conn, n int) {
	i := (n + n/len(l.tokens)) * 7919 % len(l.tokens) // each token sends all kinds of requests
	query := "client_id=acme&access_token=" + l.tokens[i]
	path, want := fmt.Sprintf("/v1/items/i%d?callback=cb&%s", n%30, query), 200
	switch n % 20 {
	case 0:
		path = "/v1/items?q=item+" + fmt.Sprint(n%30) + "&" + query
	case 1:
		path = "/v1/items?limit=5&facets=tag&" + query
	case 2:
		path = "/v1/suggest?q=it&" + query
	case 3:
		path = "/v1/collections?" + query
	case 4:
		path = "/v1/token?" + query
	case 5:
		path, want = "/v1/items?client_id=acme&access_token="+fmt.Sprintf("%0200d", n), 401
	case 6:
		path, want = fmt.Sprintf("/v1/items/none%d?%s", n, query), 404
	}
	if n%1000 == 0 {
		c.close()
	}
	status, err := c.exchange("GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1." + fmt.Sprint(i>>8, ".", i&255) + "\r\n\r\n")
	if err == nil && status == http.StatusServiceUnavailable {
		l.overloaded.Add(1)
		return
	}
	if err != nil || status != want {
		if l.failed.Add(1) == 1 {
			l.first.Store(fmt.Sprintf("%.40s: %d %v", path, status, err))
		}
		c.close()
		return
	}
	l.answered.Add(1)
}

// measure takes a sample every second until stop is closed. Each minute it reports and writes them,
// so that a run that is interrupted leaves what it has measured.
func (l *soakLoadGen) measure(stop chan struct{}) (all []sample) {
	start := time.Now()
	tick := time.NewTicker(soakInterval)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return all
		case <-tick.C:
			m, err := l.metrics()
			if err != nil {
				l.t.Error(err)
				return all
			}
			files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", l.PID()))
			if err != nil {
				l.t.Error(err)
				return all
			}
			all = append(all, sample{at: time.Since(start), rss: m["process_resident_memory_bytes"] / (1 << 20), heap: m["go_memstats_heap_alloc_bytes"] / (1 << 20),
				goroutines: int(m["go_goroutines"]), files: len(files), answered: l.answered.Load()})
			if len(all)%int(soakReport/soakInterval) == 0 {
				l.t.Log(all[len(all)-1])
				if err := writeSoak(*soakOut, all); err != nil {
					l.t.Error(err)
				}
			}
		}
	}
}

// metrics returns the metrics without labels.
func (l *soakLoadGen) metrics() (map[string]float64, error) {
	res, err := http.Get(l.AdminURL + "/metrics")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	m := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		var name string
		var v float64
		if n, _ := fmt.Sscan(line, &name, &v); n == 2 {
			m[name] = v
		}
	}
	return m, err
}

// checkSoak checks samples that were taken after the warm-up.
func checkSoak(t *testing.T, samples []sample) {
	t.Helper()
	if len(samples) < 4 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, of := range []struct {
		name  string
		value func(sample) float64
	}{{"RSS", func(s sample) float64 { return s.rss }}, {"heap", func(s sample) float64 { return s.heap }}} {
		t.Logf("%s: %.1f to %.1f MB", of.name, of.value(samples[0]), of.value(samples[len(samples)-1]))
		if *soak < growthAfter {
			continue
		}
		slope, doubt := growth(samples, of.value)
		t.Logf("%s grows by %.2f ± %.2f MB an hour", of.name, slope, doubt)
		if slope-doubt > maxGrowth {
			t.Errorf("%s grows by %.2f ± %.2f MB an hour, want at most %.0f", of.name, slope, doubt, maxGrowth)
		}
	}
	half := len(samples) / 2
	for _, of := range []struct {
		name  string
		value func(sample) int
	}{{"goroutines", func(s sample) int { return s.goroutines }}, {"files", func(s sample) int { return s.files }}} {
		first, last := most(samples[:half], of.value), most(samples[half:], of.value)
		t.Logf("%s: at most %d in the first half, %d in the second", of.name, first, last)
		if last > first+10 {
			t.Errorf("%s: at most %d in the first half, %d in the second", of.name, first, last)
		}
	}
}

func most(samples []sample, value func(sample) int) (n int) {
	for _, s := range samples {
		n = max(n, value(s))
	}
	return n
}

// growth fits a line to the lowest values of 60 equal parts of the time, which garbage that waits
// to be collected does not raise. It returns the slope in MB an hour, and twice its standard error.
// That is larger if neighbouring values resemble each other: memory that was obtained once, and is
// kept, is a step and not a slope.
func growth(samples []sample, value func(sample) float64) (slope, doubt float64) {
	var x, y []float64
	for part := range slices.Chunk(samples, max(1, len(samples)/60)) {
		lowest := slices.MinFunc(part, func(a, b sample) int {
			return int(math.Copysign(1, value(a)-value(b)))
		})
		x, y = append(x, lowest.at.Hours()), append(y, value(lowest))
	}
	n := float64(len(x))
	mx, my := mean(x), mean(y)
	var sxx, sxy, rest float64
	for i := range x {
		sxx += (x[i] - mx) * (x[i] - mx)
		sxy += (x[i] - mx) * (y[i] - my)
	}
	slope = sxy / sxx
	var before, alike float64
	for i := range x {
		d := y[i] - my - slope*(x[i]-mx)
		rest += d * d
		alike += d * before
		before = d
	}
	alike = min(max(alike/max(rest, 1e-9), 0), 0.95) // of each value and the next, 0 to 1
	return slope, 2 * math.Sqrt(rest/max(1, n-2)/sxx*(1+alike)/(1-alike))
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}

// TestGrowth checks the line that is fitted: leaks of 0.5 and 5 MB an hour are distinguished,
// although collections make the heap go up and down by 20 MB.
func TestGrowth(t *testing.T) {
	for _, leak := range []float64{0, 0.5, 5} {
		var all []sample
		for n := range 3600 {
			at := time.Duration(n) * time.Second
			all = append(all, sample{at: at, heap: 100 + leak*at.Hours() + float64(n*7%23)})
		}
		slope, doubt := growth(all, func(s sample) float64 { return s.heap })
		if math.Abs(slope-leak) > doubt+0.2 || doubt > 0.4 {
			t.Errorf("a leak of %v MB an hour: %.2f ± %.2f", leak, slope, doubt)
		}
	}
	var step []sample
	for n := range 3600 {
		step = append(step, sample{at: time.Duration(n) * time.Second, heap: 100 + float64(n/1200*2%4) + float64(n%3)})
	}
	if slope, doubt := growth(step, func(s sample) float64 { return s.heap }); slope-doubt > maxGrowth {
		t.Errorf("a step of 2 MB counts as a leak: %.2f ± %.2f", slope, doubt)
	}
}

// writeSoak writes the samples as a table and as a plot, unless there is no directory for them.
func writeSoak(dir string, samples []sample) error {
	if dir == "" || len(samples) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("seconds,rss_mb,heap_mb,goroutines,files,answered\n")
	top, last := 1.0, samples[len(samples)-1].at.Seconds()
	for _, s := range samples {
		fmt.Fprintf(&table, "%.0f,%.1f,%.1f,%d,%d,%d\n", s.at.Seconds(), s.rss, s.heap, s.goroutines, s.files, s.answered)
		top = max(top, s.rss, float64(s.goroutines), float64(s.files))
	}
	if err := os.WriteFile(filepath.Join(dir, "soak.csv"), []byte(table.String()), 0o644); err != nil {
		return err
	}
	var plot strings.Builder
	fmt.Fprintf(&plot, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 330" font-family="sans-serif" font-size="12">`+
		`<title>Memory, goroutines and files over %.0f s</title><rect width="820" height="330" fill="#fff"/>`+
		`<text x="4" y="24">%.0f</text><text x="4" y="304">0</text><text x="700" y="322">%.0f s</text>`, last, top, last)
	for i, line := range []struct {
		name, colour string
		value        func(sample) float64
	}{{"RSS, MB", "#0072b2", func(s sample) float64 { return s.rss }}, {"heap, MB", "#56b4e9", func(s sample) float64 { return s.heap }},
		{"goroutines", "#d55e00", func(s sample) float64 { return float64(s.goroutines) }}, {"files", "#009e73", func(s sample) float64 { return float64(s.files) }}} {
		fmt.Fprintf(&plot, `<text x="%d" y="12" fill="%s">%s</text><polyline fill="none" stroke="%s" points="`, 40+150*i, line.colour, line.name, line.colour)
		for _, s := range samples {
			fmt.Fprintf(&plot, "%.1f,%.1f ", 40+760*s.at.Seconds()/last, 300-280*line.value(s)/top)
		}
		plot.WriteString(`"/>`)
	}
	plot.WriteString("</svg>\n")
	return os.WriteFile(filepath.Join(dir, "soak.svg"), []byte(plot.String()), 0o644)
}
