package main

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
)

// sessionKind returns the measurement of calls with a session proof each. They are prepared as
// those with DPoP proofs are, a third more than were answered without.
func (b *bench) sessionKind(s *subject, without *kind, pid int) (*kind, error) {
	t, err := s.issue(b.tokens, min(b.conns, widest))
	if err != nil {
		return nil, err
	}
	sessions, err := s.agree(t)
	if err != nil {
		return nil, err
	}
	k := &kind{subject: s}
	k.measure = func() (load.Result, error) {
		before := without.results[len(without.results)-1].Calls
		p := s.prepared(t, b.conns, before/b.conns*4/3+1, func(i int) []byte { return s.withSession(t, sessions[i], i) })
		p.Duration = b.duration
		return p.RunAgainst(pid)
	}
	return k, nil
}

// agree makes each token's first call, with which the client and the server agree on a session.
func (s *subject) agree(t *tokenSet) ([]*stiletest.Session, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in, sessions := bufio.NewReader(conn), make([]*stiletest.Session, t.len())
	for i := range sessions {
		token, offered := t.start+string(t.rest(i)), stiletest.NewSessionKey()
		proof := stiletest.NewKey().ProofWithSession(offered, "GET", s.itemURL(), token, time.Now())
		body, err := roundTrip(conn, in, s.withText(t, i, proof))
		if err != nil {
			return nil, err
		}
		if sessions[i], err = offered.Join(string(body), token); err != nil {
			return nil, fmt.Errorf("session of token %d: %w", i, err)
		}
		s.answered++
	}
	return sessions, nil
}

// withSession returns a token's call with its next session proof.
func (s *subject) withSession(t *tokenSet, session *stiletest.Session, i int) []byte {
	query := "client_id=acme&access_token=" + t.start + string(t.rest(i))
	proof, err := session.Proof("GET", oneItem.path, query)
	if err != nil {
		panic(err) // impossible: the query is valid
	}
	return s.withText(t, i, proof)
}
