package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
)

// nodeLoad is calls at nodes that continue all the time.
type nodeLoad struct {
	t     *testing.T
	nodes []*server

	answered, failed atomic.Int64
	down             [2]atomic.Bool // this node is not called
	idle             [2]sync.RWMutex
	slowest          atomic.Int64
	stop             chan struct{}
	work             sync.WaitGroup
}

func startNodeLoad(t *testing.T, nodes []*server) *nodeLoad {
	l := &nodeLoad{t: t, nodes: nodes, stop: make(chan struct{})}
	shared := nodes[0].tokens(8)
	for i := range nodes {
		for c := range 4 {
			l.work.Go(func() {
				for n := c; ; n++ {
					select {
					case <-l.stop:
						return
					case <-time.After(5 * time.Millisecond):
					}
					l.idle[i].RLock()
					if !l.down[i].Load() {
						l.call(i, shared[n%len(shared)])
					}
					l.idle[i].RUnlock()
				}
			})
		}
	}
	t.Cleanup(l.end)
	return l
}

func (l *nodeLoad) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.work.Wait()
}

// call makes a call, and checks that it is answered, or a fault.
func (l *nodeLoad) call(i int, token string) bool {
	began := time.Now()
	r, err := l.nodes[i].get("/v1/items?limit=1", token, "203.0.113.9")
	took := int64(time.Since(began))
	l.slowest.Store(max(l.slowest.Load(), took))
	switch {
	case err != nil && l.down[i].Load():
		l.failed.Add(1) // the node was killed
	case err != nil:
		l.failed.Add(1)
		l.t.Errorf("node %d: %v", i+1, err)
	case r.Status == http.StatusOK && r.code() == "":
		l.answered.Add(1)
		return true
	case r.Status == http.StatusServiceUnavailable && r.code() == "overloaded":
		l.failed.Add(1)
	default:
		l.t.Errorf("node %d: %d %s", i+1, r.Status, r.code())
	}
	return false
}

// readiness returns what /readyz of a node says.
func (l *nodeLoad) readiness(i int) string {
	status, body := l.nodes[i].raw("GET", "/readyz", nil, "")
	return fmt.Sprintf("%d %s", status, strings.TrimSpace(body))
}

// fault lets an engine fail, and checks what the nodes say meanwhile, and that they work 5 s
// afterwards at the latest.
func (l *nodeLoad) fault(name string, lasts time.Duration, begin, restore func(), says string) {
	l.t.Helper()
	l.slowest.Store(0)
	answered, failed := l.answered.Load(), l.failed.Load()
	var from []int
	for _, s := range l.nodes {
		from = append(from, len(s.Log()))
	}
	begin()
	for i := range l.nodes {
		l.within(5*time.Second, name+": /readyz has "+says, func() bool { return strings.Contains(l.readiness(i), says) })
	}
	time.Sleep(lasts)
	restore()
	began := time.Now()
	for i := range l.nodes {
		fresh := ""
		l.within(5*time.Second, name+": it works again", func() bool {
			if fresh == "" {
				fresh, _ = l.nodes[i].Token("acme", l.nodes[i].secret)
			}
			return fresh != "" && l.call(i, fresh) && strings.Contains(l.readiness(i), `"ready"`)
		})
	}
	for i, s := range l.nodes {
		l.within(5*time.Second, name+": the log says that it works again", func() bool {
			return strings.Count(s.Log()[from[i]:], "an engine responds again") == 1
		})
		if lines := warnings(s.Log()[from[i]:]); len(lines) == 0 || len(lines) > 3 {
			l.t.Errorf("%s: node %d logged %d warnings and errors, want 1 to 3:\n%s", name, i+1, len(lines), strings.Join(lines, "\n"))
		}
	}
	slowest := time.Duration(l.slowest.Load()).Round(10 * time.Millisecond)
	l.t.Logf("%s: healed after %s; slowest request %s; %d calls answered, %d overloaded", name, time.Since(began).Round(10*time.Millisecond),
		slowest, l.answered.Load()-answered, l.failed.Load()-failed)
	if slowest > 7*time.Second {
		l.t.Errorf("%s: a visitor waited %s", name, slowest)
	}
}

// warnings returns the lines of a log that are warnings or errors.
func warnings(log string) (lines []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *nodeLoad) within(limit time.Duration, what string, fn func() bool) {
	l.t.Helper()
	for end := time.Now().Add(limit); !fn(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Errorf("not within %s: %s (%s, %s)", limit, what, l.readiness(0), l.readiness(1))
			return
		}
	}
}

// TestNodeFaults kills and pauses engines and a node under load. Visitors get their content, or the
// code overloaded, and each answered call is charged.
func TestNodeFaults(t *testing.T) {
	database := engines.NewPostgres(t, true)
	state := engines.Valkey(t, "appendonly yes", "appendfsync always", "maxmemory-policy noeviction")
	nodes := newNodesOf(t, 2, database.Database(t), "valkey://"+state.Addr, "policy:", "  token: {calls: 1000000, records: 1000000}")
	before := nodes[0].charged()
	l := startNodeLoad(t, nodes)
	l.fault("Valkey killed", time.Second, state.Kill, state.Restart, `503 {"status":"not ready","missing":["state"`)
	l.fault("Valkey paused", 6*time.Second, state.Pause, state.Resume, `503 {"status":"not ready","missing":["state"`)
	was := l.failed.Load()
	l.fault("PostgreSQL killed", time.Second, database.Kill, database.Restart, `200 {"status":"degraded"`)
	l.fault("PostgreSQL paused", 6*time.Second, database.Pause, database.Resume, `200 {"status":"degraded"`)
	if n := l.failed.Load() - was; n > 0 {
		t.Errorf("%d calls were overloaded while PostgreSQL was away", n)
	}
	l.down[1].Store(true) // calls at it may end without a response from now on
	nodes[1].must(nodes[1].Kill())
	l.idle[1].Lock() // its calls have ended
	nodes[1].must(nodes[1].Start())
	l.down[1].Store(false)
	l.idle[1].Unlock()
	l.within(5*time.Second, "the killed node works again", func() bool { return l.call(1, nodes[1].tokens(1)[0]) })
	l.end()
	charged := int64(0)
	l.within(15*time.Second, "what the killed node counted is charged", func() bool {
		charged = int64(nodes[0].charged() - before)
		return charged >= l.answered.Load()
	})
	if a, f := l.answered.Load(), l.failed.Load(); charged < a || charged > a+f {
		t.Errorf("%d calls were answered, %d failed, and %d charged", a, f, charged)
	}
	t.Logf("%d calls were answered, %d failed, %d charged", l.answered.Load(), l.failed.Load(), charged)
}
