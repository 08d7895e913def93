package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
)

// keyedTokens are tokens that are bound to a key each.
type keyedTokens struct {
	*tokenSet
	keys []stiletest.Key
}

// proofKind returns the measurement of calls with a DPoP proof each. It prepares half as many as
// were answered without, which is more than the server can answer in time.
func (b *bench) proofKind(s *subject, without *kind, pid int) (*kind, error) {
	t, err := s.newKeyedTokens(b.tokens, b.conns)
	if err != nil {
		return nil, err
	}
	k := &kind{subject: s}
	k.measure = func() (load.Result, error) {
		before := without.results[len(without.results)-1].Calls
		p := s.prepared(t.tokenSet, b.conns, before/b.conns/2+1, func(i int) []byte { return s.withProof(t, i) })
		p.Duration = b.duration
		return p.RunAgainst(pid)
	}
	return k, nil
}

// prepared returns a load of requests that are made before it, one for each call, because making a
// proof costs this process as much as checking one costs the server. The requests of a connection
// are made in their order. If a connection has no requests left, the load ends.
func (s *subject) prepared(t *tokenSet, conns, each int, request func(token int) []byte) load.Plan {
	order := t.atRandom(conns, uint64(time.Now().UnixNano()))
	requests := make([][][]byte, conns)
	parallel(conns, func(conn int) error {
		for range each {
			i, _ := order(conn)
			requests[conn] = append(requests[conn], request(i))
		}
		return nil
	})
	used, isOver := make([]int, conns), false
	return load.Plan{Addr: s.addr, Conns: conns, Next: func(conn int, buf []byte) ([]byte, []byte) {
		if isOver = isOver || used[conn] == each; isOver {
			return nil, nil
		}
		used[conn]++
		return append(buf, requests[conn][used[conn]-1]...), admitted
	}}
}

// withProof returns a token's call with a new DPoP proof.
func (s *subject) withProof(t *keyedTokens, i int) []byte {
	proof := t.keys[i].Proof("GET", s.itemURL(), t.start+string(t.rest(i)), time.Now())
	return s.withText(t.tokenSet, i, proof)
}

// itemURL returns the public URL of the item.
func (s *subject) itemURL() string {
	return "http://localhost" + s.server.URL[strings.LastIndexByte(s.server.URL, ':'):] + oneItem.path
}

// withText returns a token's call with a proof.
func (s *subject) withText(t *tokenSet, i int, proof string) []byte {
	c := oneItem
	c.query = "&proof=" + proof
	before, after := c.around(s.addr, t.forwarded(i%t.groups), 0)
	return []byte(before + t.start + string(t.rest(i)) + after)
}

// newKeyedTokens issues tokens, creates a key for each, and makes the call that binds it.
func (s *subject) newKeyedTokens(n, groups int) (*keyedTokens, error) {
	set, err := s.issue(n, min(groups, widest))
	if err != nil {
		return nil, err
	}
	t := &keyedTokens{set, make([]stiletest.Key, n)}
	for i := range t.keys {
		t.keys[i] = stiletest.NewKey()
	}
	if err := s.awaitProofs(t); err != nil {
		return nil, err
	}
	next := t.once(t.groups)
	p := load.Plan{Addr: s.addr, Conns: t.groups, Duration: time.Hour, Next: func(conn int, buf []byte) ([]byte, []byte) {
		i, ok := next(conn)
		if !ok {
			return nil, nil
		}
		return append(buf, s.withProof(t, i)...), admitted
	}}
	r, err := p.Run()
	s.answered += r.Calls
	return t, err
}

// awaitProofs binds the first token. It tries for up to 10 s, because a server that has just
// started may not accept proofs yet.
func (s *subject) awaitProofs(t *keyedTokens) error {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		body, err := roundTrip(conn, in, s.withProof(t, 0))
		if err != nil {
			return err
		}
		if bytes.HasPrefix(body, admitted) {
			s.answered++
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("first call with a proof: %.300s", body)
		}
	}
}
