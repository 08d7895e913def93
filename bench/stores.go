package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
)

// stores compares stores: one node that keeps the states of tokens in PostgreSQL, which waits for
// the disk; and three nodes over Valkey, of which one is called, and then all through HAProxy.
func stores(b *bench) ([]*kind, error) {
	owner := &owner{}
	b.later(owner.end)
	alone, t, err := b.node(owner, "PostgreSQL alone", 1, "store")
	if err != nil {
		return nil, err
	}
	calls, body, err := alone.expecting(t, oneItem)
	if err != nil {
		return nil, err
	}
	base, err := b.bareKind("stores/echo", "bare Echo", "echo", t, calls, body)
	if err != nil {
		return nil, err
	}
	kinds := []*kind{base, against(base, b.calls("stores/postgres", "PostgreSQL alone", alone, t, alone.addr, calls, alone.server.Nodes.Node(0).PID()))}
	more, err := b.overValkey(owner)
	for _, k := range more {
		k.base = base
	}
	return append(kinds, more...), err
}

// node starts nodes with a database of their own, and gets tokens.
func (b *bench) node(o *owner, name string, count int, state string) (*subject, *tokenSet, error) {
	db := engines.NewPostgres(o, true)
	s, err := b.newSubject(name, &stiletest.Nodes{Count: count, Store: db.Database(o), State: state})
	if err != nil {
		return nil, nil, err
	}
	t, err := s.newTokens(b.tokens, b.conns)
	return s, t, err
}

// overValkey measures nodes over Valkey, whose append-only file reaches the disk once a second, and
// then with each call.
func (b *bench) overValkey(o *owner) ([]*kind, error) {
	engine := engines.Valkey(o, "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction")
	s, t, err := b.node(o, "Valkey", 3, "valkey://"+engine.Addr)
	if err != nil {
		return nil, err
	}
	calls, _, err := s.expecting(t, oneItem)
	if err != nil {
		return nil, err
	}
	var pids []int
	var hosts [3]string
	for i, node := range s.server.Nodes.All() {
		pids, hosts[i] = append(pids, node.PID()), strings.TrimPrefix(node.URL, "http://")
	}
	kinds := []*kind{
		b.calls("stores/valkey", "Valkey", s, t, s.addr, calls, pids[0]),
		always(b.calls("stores/always", "Valkey, appendfsync always", s, t, s.addr, calls, pids[0]), engine.Addr)}
	dpop, err := b.proofKind(s, kinds[0], pids[0])
	if err != nil {
		return nil, err
	}
	dpop.key, dpop.name = "stores/valkey-dpop", "Valkey, a DPoP proof each"
	session, err := b.sessionKind(s, kinds[0], pids[0])
	if err != nil {
		return nil, err
	}
	session.key, session.name = "stores/valkey-session", "Valkey, a session proof each"
	text, err := engines.Configuration()
	if err != nil {
		return nil, err
	}
	one, three := engines.NewHAProxy(o, onlyFirst(text), hosts), engines.NewHAProxy(o, text, hosts)
	// HAProxy removes what a client says about its address, so these tokens have one address.
	behind, err := s.newTokensAt(one.Addr, b.tokens, 1)
	return append(kinds, dpop, session,
		b.calls("stores/haproxy-1", "Valkey, 1 node behind HAProxy", s, behind, one.Addr, calls, pids[0]),
		b.calls("stores/haproxy-3", "Valkey, 3 nodes behind HAProxy", s, behind, three.Addr, calls, pids...)), err
}

// always makes a measurement with `appendfsync always`.
func always(k *kind, addr string) *kind {
	measure := k.measure
	k.measure = func() (r load.Result, err error) {
		if err := configure(addr, "always"); err != nil {
			return r, err
		}
		if r, err = measure(); err != nil {
			return r, err
		}
		return r, configure(addr, "everysec")
	}
	return k
}

// configure sets when Valkey's append-only file reaches the disk.
func configure(addr, appendfsync string) error {
	reply, err := engines.Command(addr, "CONFIG SET appendfsync "+appendfsync)
	if err == nil && reply != "+OK" {
		err = fmt.Errorf("CONFIG SET appendfsync: %s", reply)
	}
	return err
}

// onlyFirst leaves the other two nodes out of a configuration of HAProxy.
func onlyFirst(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "server node2 ") && !strings.Contains(line, "server node3 ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// owner owns engines as a test does.
type owner struct {
	testing.TB
	cleanups []func()
}

type engineError struct{ error }

func (o *owner) Helper()           {}
func (o *owner) Cleanup(fn func()) { o.cleanups = append(o.cleanups, fn) }

func (o *owner) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}

func (o *owner) Fatalf(format string, args ...any) { panic(engineError{fmt.Errorf(format, args...)}) }

func (o *owner) end() {
	for _, fn := range slices.Backward(o.cleanups) {
		fn()
	}
}
