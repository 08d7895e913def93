package valkey_test

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

const poll = 10 * time.Millisecond

// TestCluster runs all tests of a Cluster on one: to form it takes seconds.
func TestCluster(t *testing.T) {
	t.Parallel()
	user, allowed := restricted(t)
	nodes := engines.Cluster(t, user, "appendonly yes", "appendfsync always", "cluster-require-full-coverage no", "repl-diskless-sync-delay 0", "cluster-node-timeout 1000")
	e := open(t, valkey.Options{URL: "valkey://" + nodes[0].Addr + "," + nodes[1].Addr + "?cluster=yes", Prefix: "a*b:", User: allowed.User, Password: allowed.Password})
	for name, test := range contract {
		t.Run(name, func(t *testing.T) { test(t, e) })
	}
	t.Run("slots move", func(t *testing.T) { moveSlots(t, e, nodes) })
	t.Run("slot half moved", func(t *testing.T) { halfMoved(t, e, nodes) })
	t.Run("check", func(t *testing.T) { checkCluster(t, e, nodes) })
	t.Run("flush", func(t *testing.T) { clusterFlush(t, e, nodes) })
	t.Run("failover", func(t *testing.T) { failover(t, e, nodes) })
}

// checkCluster: what a check finds about a cluster, and what follows if slots have no master.
func checkCluster(t *testing.T, e *valkey.Engine, nodes []*engines.Engine) {
	cluster := valkey.Options{URL: "valkey://" + nodes[0].Addr + "?cluster=yes"}
	if got := examine(t, cluster); got != "" {
		t.Error(got)
	}
	if got := examine(t, valkey.Options{URL: "valkey://" + nodes[0].Addr}); !strings.HasPrefix(got, "!it is part of a cluster\n") || strings.Contains(got, "is refused") {
		t.Error(got)
	}
	if err := e.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for _, node := range nodes {
		send(t, raw(t, node.Addr), "CLUSTER", "DELSLOTSRANGE", "6000", "6099")
	}
	deadline := time.Now().Add(10 * time.Second)
	for got := ""; !strings.Contains(got, "!100 of 16384 slots have no master\n"); {
		if got = examine(t, cluster); time.Now().After(deadline) {
			t.Fatal(got)
		}
	}
	// The engine reads every second which slots have a master.
	for err := e.Ready(t.Context()); err == nil; err = e.Ready(t.Context()) {
		if time.Now().After(deadline) {
			t.Fatal("it is ready with slots that have no master")
		}
		time.Sleep(poll)
	}
	for err := e.SetEpoch(t.Context(), founded+1); err != nil; err = e.SetEpoch(t.Context(), founded+1) {
		if time.Now().After(deadline) {
			t.Fatalf("the epoch of the other slots: %v", err)
		}
		time.Sleep(poll)
	}
	send(t, raw(t, nodes[1].Addr), "CLUSTER", "ADDSLOTSRANGE", "6000", "6099")
	k := newKey()
	for slot := 0; slot < 6000 || slot > 6099; slot = valkey.SlotOf(k) {
		k = newKey()
	}
	for deadline := time.Now().Add(2 * heals); ; time.Sleep(poll) {
		_, err := e.Get(t.Context(), k)
		if err == nil && inAgreement(t, nodes) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// inAgreement reports whether all nodes know a master for each slot.
func inAgreement(t *testing.T, nodes []*engines.Engine) bool {
	for _, node := range nodes {
		m := send(t, raw(t, node.Addr), "CLUSTER", "INFO")
		if text, _ := m.ToString(); !strings.Contains(text, "cluster_slots_assigned:16384") {
			return false
		}
	}
	return true
}

// clusterFlush: if one master of three loses its memory, its slots are known to have.
func clusterFlush(t *testing.T, e *valkey.Engine, nodes []*engines.Engine) {
	var keys []states.Key
	for range 300 {
		keys = append(keys, put(t, e, "a"))
	}
	send(t, raw(t, nodes[2].Addr), "FLUSHALL")
	forgot := 0
	for _, k := range keys {
		if got := swap(t, e, change(k, "a", "b")); got == "forgot" {
			forgot++
		} else if got != `swapped "a"` {
			t.Error(got)
		}
	}
	if forgot < 60 || forgot > 140 {
		t.Errorf("%d of %d values were on the master that has lost its memory", forgot, len(keys))
	}
	began := time.Now()
	if err := e.SetEpoch(t.Context(), founded+9); err != nil {
		t.Fatal(err)
	}
	t.Logf("the epochs of all slots were written in %s", time.Since(began))
	for _, k := range keys {
		if p, err := e.Get(t.Context(), k); err != nil || p.Value == nil && p.NotBefore != founded+9 {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	for range 100 { // also in slots that had an epoch
		if p, err := e.Get(t.Context(), newKey()); err != nil || p.NotBefore != founded+9 {
			t.Fatalf("%+v, %v", p, err)
		}
	}
}

// failover: a replica takes over the slots of a master that is gone.
func failover(t *testing.T, e *valkey.Engine, nodes []*engines.Engine) {
	replica := addReplica(t, nodes[1])
	keys := map[states.Key]bool{}
	for range 60 {
		keys[put(t, e, "a")] = true
	}
	replicated(t, nodes[1].Addr)
	began := time.Now()
	nodes[1].Kill()
	for len(keys) > 0 && time.Since(began) < 20*time.Second {
		for k := range keys {
			p, err := e.Get(t.Context(), k)
			if err == nil && string(p.Value) != "a" {
				t.Fatalf("%q is present", p.Value)
			}
			if _, swapped, _ := e.Swap(t.Context(), change(k, "a", "b")); swapped {
				delete(keys, k)
			} else if p, err := e.Get(t.Context(), k); err == nil && string(p.Value) == "b" {
				delete(keys, k) // it was unknown
			}
		}
	}
	if len(keys) > 0 {
		t.Errorf("%d values can't be changed after the failover to %s", len(keys), replica.Addr)
	}
	t.Logf("healed %s after the master was gone", time.Since(began))
}

// moveSlots moves slots to another master while their values are changed.
func moveSlots(t *testing.T, e *valkey.Engine, nodes []*engines.Engine) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var changes atomic.Int64
	for range 8 {
		wg.Go(func() {
			keys := make([]states.Key, 50)
			for i := range keys {
				keys[i] = put(t, e, "0")
			}
			for n := 0; ; n++ {
				for _, k := range keys {
					s := change(k, fmt.Sprint(n), fmt.Sprint(n+1))
					if n%3 == 0 {
						s.Once = states.Once{Digest: [16]byte{byte(n), byte(n >> 8)}, Until: inAnHour()}
					}
					if got := swap(t, e, s); got != fmt.Sprintf("swapped %q", s.Known) {
						t.Errorf("while slots move: %s, want %q swapped", got, s.Known)
						return
					}
					changes.Add(1)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	to, from := id(t, nodes[0]), id(t, nodes[2])
	out, err := exec.Command("redis-cli", "--cluster", "reshard", nodes[0].Addr, "--cluster-from", from, "--cluster-to", to,
		"--cluster-slots", "100", "--cluster-yes").CombinedOutput()
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatalf("reshard: %v\n%s", err, out)
	}
	t.Logf("%d changes while 100 slots moved", changes.Load())
}

// halfMoved: while a slot moves, its epoch and a value are on two servers for a while. Commands
// that need both are repeated until the slot has moved.
func halfMoved(t *testing.T, e *valkey.Engine, nodes []*engines.Engine) {
	k := put(t, e, "a")
	slot := fmt.Sprint(valkey.SlotOf(k))
	from, to := owners(t, nodes, slot)
	send(t, raw(t, to.Addr), "CLUSTER", "SETSLOT", slot, "IMPORTING", id(t, from))
	c := raw(t, from.Addr)
	send(t, c, "CLUSTER", "SETSLOT", slot, "MIGRATING", id(t, to))
	list := send(t, c, "CLUSTER", "GETKEYSINSLOT", slot, "100")
	keys, err := list.AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(to.Addr, ":")
	move := func(ofEpoch bool) {
		for _, key := range keys {
			if strings.Contains(key, "e:{") == ofEpoch {
				send(t, c, "MIGRATE", host, port, key, "0", "1000")
			}
		}
	}
	move(true)
	swapped := make(chan string)
	go func() {
		s := change(k, "a", "b")
		s.Once = states.Once{Digest: [16]byte{1}, Until: inAnHour()}
		swapped <- swap(t, e, s)
	}()
	time.Sleep(20 * time.Millisecond) // the swap meets a value without its epoch
	move(false)
	for _, node := range []*engines.Engine{to, from, nodes[0], nodes[1], nodes[2]} {
		send(t, raw(t, node.Addr), "CLUSTER", "SETSLOT", slot, "NODE", id(t, to))
	}
	if got := <-swapped; got != `swapped "a"` {
		t.Error(got)
	}
	expect(t, e, change(k, "b", "c"), `swapped "b"`)
}

// owners returns the node that has a slot, and another one.
func owners(t *testing.T, nodes []*engines.Engine, slot string) (owner, other *engines.Engine) {
	for _, node := range nodes {
		m := send(t, raw(t, node.Addr), "CLUSTER", "COUNTKEYSINSLOT", slot)
		if n, _ := m.AsInt64(); n > 0 {
			owner = node
		} else {
			other = node
		}
	}
	if owner == nil {
		t.Fatalf("slot %s has no keys", slot)
	}
	return owner, other
}

func id(t *testing.T, node *engines.Engine) string {
	t.Helper()
	m := send(t, raw(t, node.Addr), "CLUSTER", "MYID")
	s, err := m.ToString()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// addReplica adds a replica of a master to its cluster.
func addReplica(t *testing.T, master *engines.Engine) *engines.Engine {
	user, _ := restricted(t)
	t.Helper()
	r := engines.Valkey(t, user, "cluster-enabled yes", "cluster-node-timeout 1000")
	c := raw(t, r.Addr)
	host, port, _ := strings.Cut(master.Addr, ":")
	info := send(t, raw(t, master.Addr), "CLUSTER", "NODES")
	text, _ := info.ToString()
	_, bus, _ := strings.Cut(text[strings.Index(text, ":"+port+"@"):], "@")
	bus, _, _ = strings.Cut(bus, " ")
	bus, _, _ = strings.Cut(bus, ",")
	send(t, c, "CLUSTER", "MEET", host, port, bus)
	of := id(t, master)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := c.Do(t.Context(), c.B().Arbitrary("CLUSTER", "REPLICATE", of).Build()).Error()
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		info := send(t, c, "INFO", "replication")
		if text, _ := info.ToString(); strings.Contains(text, "master_link_status:up") {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica is not connected")
		}
	}
}
