package tokens_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	. "stile.example/stile/tokens"
)

// shelf is a store of one goroutine; its fault, if any, comes after the step.
type shelf struct {
	states map[ID]State
	fault  error
}

func (s *shelf) Update(_ context.Context, id ID, fn func(State) State) error {
	next := fn(s.states[id])
	if s.fault != nil {
		return s.fault
	}
	s.states[id] = next
	return nil
}

func TestGateRefusesOnFault(t *testing.T) {
	s := &shelf{states: map[ID]State{}, fault: errors.New("disk full")}
	g := Gate{Store: s}
	p := Policy{Calls: 1, Records: 10, BindWithin: time.Minute}
	c := Call{At: midnight, IssuedAt: midnight, From: netip.MustParseAddr("192.0.2.1")}
	v, err := g.Apply(t.Context(), ID{1}, p, c)
	if !errors.Is(err, s.fault) || v != (Verdict{}) {
		t.Errorf("got %+v, %v", v, err)
	}
	if g.Dead(ID{1}) != None {
		t.Error("a fault killed the token")
	}
	s.fault = nil
	if v, err = g.Apply(t.Context(), ID{1}, p, c); err != nil || v.Outcome != Admit {
		t.Errorf("after the fault: %+v, %v", v, err)
	}
}

func TestGateRemembersTheDead(t *testing.T) {
	g := Gate{Store: &shelf{states: map[ID]State{}}}
	if g.Dead(ID{1}) != None {
		t.Error("a token never seen is dead")
	}
	if _, err := g.Apply(t.Context(), ID{1}, Policy{}, Revoke{Tenant: 1}); err != nil {
		t.Fatal(err)
	}
	if g.Dead(ID{1}) != Revoked {
		t.Errorf("dead of %q", g.Dead(ID{1}))
	}
	for n := range 200_000 { // the memory of the dead is bounded
		g.Apply(t.Context(), ID{2, byte(n), byte(n >> 8), byte(n >> 16)}, Policy{}, Revoke{})
	}
	if g.Dead(ID{1}) != None {
		t.Error("nothing is forgotten")
	}
	if v, err := g.Apply(t.Context(), ID{1}, Policy{}, Look{}); err != nil || v.Reason != Revoked {
		t.Errorf("forgotten, the store must say it: %+v, %v", v, err)
	}
	if s, err := g.State(t.Context(), ID{1}); err != nil || s.Dead != Revoked || s.Tenant != 1 {
		t.Errorf("State: %+v, %v", s, err)
	}
}
