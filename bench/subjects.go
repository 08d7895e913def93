package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
)

// subjects are the installations that are measured, with their engines.
type subjects struct {
	dir    string
	tokens int
	binary string
	list   []*subject
	owner  owner
}

// start builds the program, starts what is to be measured, and returns the kinds of load.
func (a *subjects) start(on []string) (kinds []*measurement, err error) {
	defer func() {
		if failed, ok := recover().(engineError); ok {
			err = failed
		}
	}()
	if a.binary, err = stiletest.Build(a.dir); err != nil {
		return nil, err
	}
	haproxy := slices.Contains(on, "haproxy")
	for _, part := range []struct {
		isWanted bool
		start    func() ([]*measurement, error)
	}{
		{slices.Contains(on, "sqlite"), a.sqlite},
		{slices.Contains(on, "postgres"), a.postgres},
		{haproxy || slices.Contains(on, "valkey"), func() ([]*measurement, error) { return a.valkey(haproxy) }},
	} {
		if !part.isWanted {
			continue
		}
		more, err := part.start()
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, more...)
	}
	return kinds, nil
}

// add starts an installation; nodes is nil for a server with SQLite.
func (a *subjects) add(name string, nodes *stiletest.Nodes) (*subject, error) {
	dir := filepath.Join(a.dir, fmt.Sprint(len(a.list)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := newSubject(dir, a.binary, name, a.tokens, nodes)
	if err == nil {
		a.list = append(a.list, s)
	}
	return s, err
}

func (a *subjects) sqlite() ([]*measurement, error) {
	s, err := a.add("SQLite", nil)
	if err != nil {
		return nil, err
	}
	plain := s.calls("SQLite", s.addr, s.server.PID())
	return []*measurement{plain, s.callsWithProofs("SQLite, a key proof each (ES256)", plain, s.server.PID())}, nil
}

// postgres measures one node that keeps the states of tokens in PostgreSQL, which waits for the
// disk.
func (a *subjects) postgres() ([]*measurement, error) {
	db := engines.NewPostgres(&a.owner, true)
	s, err := a.add("PostgreSQL alone", &stiletest.Nodes{Count: 1, Store: db.Database(&a.owner), State: "store"})
	if err != nil {
		return nil, err
	}
	return []*measurement{s.calls("PostgreSQL alone", s.addr, s.server.Nodes.Node(0).PID())}, nil
}

// valkey measures one of three nodes over Valkey, whose append-only file reaches the disk once a
// second, and then with each call; and all three.
func (a *subjects) valkey(haproxy bool) ([]*measurement, error) {
	db := engines.NewPostgres(&a.owner, true)
	engine := engines.Valkey(&a.owner, "appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction")
	s, err := a.add("Valkey", &stiletest.Nodes{Count: 3, Store: db.Database(&a.owner), State: "valkey://" + engine.Addr})
	if err != nil {
		return nil, err
	}
	var pids []int
	var hosts [3]string
	for i, node := range s.server.Nodes.All() {
		pids, hosts[i] = append(pids, node.PID()), strings.TrimPrefix(node.URL, "http://")
	}
	plain := s.calls("Valkey", s.addr, pids[0])
	kinds := []*measurement{plain,
		s.callsWithProofs("Valkey, a key proof each (ES256)", plain, pids[0]),
		always(s.calls("Valkey, appendfsync always", s.addr, pids[0]), engine.Addr)}
	if !haproxy {
		return kinds, nil
	}
	text, err := engines.Configuration()
	if err != nil {
		return nil, err
	}
	one := engines.NewHAProxy(&a.owner, onlyFirst(text), hosts)
	three := engines.NewHAProxy(&a.owner, text, hosts)
	return append(kinds, s.calls("Valkey, 1 node behind HAProxy", one.Addr, pids[0]),
		s.calls("Valkey, 3 nodes behind HAProxy", three.Addr, pids...)), nil
}

// always makes a measurement with `appendfsync always`.
func always(m *measurement, addr string) *measurement {
	run := m.run
	m.run = func(p plan) (r result, err error) {
		if err := configure(addr, "always"); err != nil {
			return r, err
		}
		if r, err = run(p); err != nil {
			return r, err
		}
		return r, configure(addr, "everysec")
	}
	return m
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

// checkUsage checks what all installations have charged.
func (a *subjects) checkUsage() error {
	fmt.Println()
	for _, s := range a.list {
		if err := s.checkUsage(); err != nil {
			return err
		}
	}
	return nil
}

// end ends all servers, then their engines.
func (a *subjects) end() {
	for _, s := range a.list {
		s.server.Kill()
	}
	a.owner.end()
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
