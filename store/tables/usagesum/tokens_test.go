package usagesum_test

import (
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/store/tables/usagesum"
	"stile.example/stile/tokens"
)

// TestLawTokens checks that the sum is that of the states, after any changes, with the states of
// the beginning added at any time.
func TestLawTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := map[int]tokens.State{}
		draw := func() tokens.State {
			s := tokens.State{Tenant: uint32(rapid.IntRange(1, 2).Draw(t, "tenant")), Day: int32(rapid.IntRange(20_000, 20_002).Draw(t, "day"))}
			for range rapid.IntRange(0, 2).Draw(t, "uses") {
				s.Used[rapid.IntRange(0, 1).Draw(t, "d")][rapid.IntRange(0, tokens.Routes-1).Draw(t, "route")] = tokens.Count{Calls: uint32(rapid.IntRange(0, 3).Draw(t, "calls")), Records: uint32(rapid.IntRange(0, 3).Draw(t, "records"))}
			}
			return s
		}
		var sum usagesum.Tokens
		change := func() {
			n, next := rapid.IntRange(0, 3).Draw(t, "token"), draw()
			if rapid.Bool().Draw(t, "removed") {
				next = tokens.State{}
			}
			old := states[n]
			sum.Change(&old, &next)
			states[n] = next
		}
		steps := func() {
			for range rapid.IntRange(0, 8).Draw(t, "steps") {
				change()
			}
		}
		steps()
		sum.Begin()
		var first usagesum.Tokens
		first.Begin()
		for _, s := range states {
			first.Change(&tokens.State{}, &s)
		}
		steps()
		sum.Complete(&first)
		steps()
		got, want := lines(t), lines(t)
		sum.Copy().AddTo(got)
		for _, s := range states {
			want.AddState(s)
		}
		a, b := got.Sorted(), want.Sorted()
		if len(a) != len(b) {
			t.Fatalf("got %v, want %v", a, b)
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("got %v, want %v", a[i], b[i])
			}
		}
	})
}

func lines(t interface{ Fatal(...any) }) *usagesum.Lines {
	l, err := usagesum.New("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// BenchmarkChange counts calls of 1,000 tenants.
func BenchmarkChange(b *testing.B) {
	var sum usagesum.Tokens
	sum.Begin()
	states := make([]tokens.State, 1000)
	for n := range states {
		states[n].Tenant, states[n].Day = uint32(n+1), 20_000
	}
	for n := 0; b.Loop(); n++ {
		s := &states[n%len(states)]
		old := *s
		s.Used[0][0].Calls++
		sum.Change(&old, s)
	}
}
