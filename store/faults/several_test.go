package faults

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/breaker"
)

// TestCluster lets one master of three fail. The slots of the others are not affected.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := engines.Cluster(t, append(durable, "cluster-require-full-coverage no")...)
	database := engines.Postgres(t)
	var nodes []*node
	for range 3 {
		url, storage := through(t, database)
		nodes = append(nodes, openNode(t, url, nil, storage, 0, openValkey(t, "valkey://"+cluster[0].Addr+","+cluster[1].Addr+"?cluster=yes")))
	}
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	l.fault("cluster: slots moved", 0, func() func() { reshard(t, cluster[2], cluster[0]); return func() {} })
	l.faults.Range(func(text, _ any) bool { t.Errorf("calls failed while slots moved: %v", text); return true })
	one := cluster[2]
	l.fault("cluster: a master killed", 2*time.Second, func() func() { one.Kill(); return one.Restart })
	l.fault("cluster: a master paused", 5*time.Second, func() func() { one.Pause(); return one.Resume })
	l.mayAge.Store(true)
	l.fault("cluster: a master flushed", 0, func() func() { send(t, cluster[1].Addr, "FLUSHALL"); return func() {} })
	l.check()
}

// reshard moves slots of a master to another one.
func reshard(t *testing.T, from, to *engines.Engine) {
	t.Helper()
	id := func(e *engines.Engine) string { return send(t, e.Addr, "CLUSTER MYID") }
	out, err := exec.Command("redis-cli", "--cluster", "reshard", to.Addr, "--cluster-from", id(from), "--cluster-to", id(to),
		"--cluster-slots", "300", "--cluster-pipeline", "100", "--cluster-yes").CombinedOutput()
	if err != nil {
		t.Errorf("reshard: %v\n%s", err, out[max(0, len(out)-1000):])
	}
}

// TestSentinel: the Sentinels replace a master that is gone. The nodes write back the values that
// the replica did not get yet, and the ledger has their counts.
func TestSentinel(t *testing.T) {
	t.Parallel()
	s := engines.Sentinel(t, durable...)
	var hosts []string
	for _, sentinel := range s.Sentinels {
		hosts = append(hosts, sentinel.Addr)
	}
	database := engines.Postgres(t)
	var nodes []*node
	for range 2 {
		url, storage := through(t, database)
		nodes = append(nodes, openNode(t, url, nil, storage, 0, openValkey(t, "redis://"+strings.Join(hosts, ",")+"?sentinel="+s.Name)))
	}
	l := startLoad(t, nodes)
	time.Sleep(300 * time.Millisecond)
	// The Sentinels take 1 s to notice, and then as long as their election lasts: the fault ends when
	// the replica is the master.
	l.fault("sentinel: failed over", 0, func() func() {
		s.Master.Kill()
		return func() { s.Replica.AwaitReply("INFO replication", "role:master") }
	})
	l.check()
}

// TestLostReplies loses more than 10,000 replies of real engines to three nodes that use the same
// tokens. No call is counted twice, and none that was answered is missing.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	server := engines.Valkey(t)
	database := engines.Postgres(t)
	var nodes []*node
	var proxies []*engines.Proxy
	for range 3 {
		p := engines.NewProxy(t, server.Addr)
		url, storage := through(t, database)
		nodes = append(nodes, openNode(t, url, nil, storage, 0, openValkey(t, "valkey://"+p.Addr)))
		proxies = append(proxies, p)
	}
	l := startLoad(t, nodes)
	for _, p := range proxies {
		p.LoseReplies(2000)
	}
	lost := func() (n uint64) {
		for _, node := range nodes {
			n += node.requests.Stats().Errors[breaker.Cut.String()]
		}
		return n
	}
	for deadline := time.Now().Add(time.Minute); lost() < 10_000 && time.Now().Before(deadline); {
		l.burst(16, 50)
	}
	for _, p := range proxies {
		p.LoseReplies(0)
	}
	l.healed()
	t.Logf("%d replies were lost", lost())
	if lost() < 10_000 {
		t.Error("fewer than 10,000 replies were lost")
	}
	l.check()
}

// burst makes many calls at the same time, at each node.
func (l *load) burst(callers, calls int) {
	var wg sync.WaitGroup
	for _, n := range l.nodes {
		for range callers {
			wg.Go(func() {
				for range calls {
					l.call(n, l.pick(n))
				}
			})
		}
	}
	wg.Wait()
}
