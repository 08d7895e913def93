package usagesum_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"testing"

	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/store/tables/usagesum"
	"stile.example/stile/tokens"
)

// TestLawTokens checks that the sum is that of the states after any batches, durable or not, and so
// is the sum that is read from what was stored at any time and of the batches since.
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
		var sum, read usagesum.Tokens
		var stored []byte
		for range rapid.IntRange(0, 20).Draw(t, "batches") {
			before := maps.Clone(states)
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				n, next := rapid.IntRange(0, 3).Draw(t, "token"), draw()
				old := states[n]
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 0:
					next = tokens.State{} // it is removed
				case 1:
					next.Used = old.Used // perhaps of another tenant or day
				}
				sum.Change(&old, &next)
				states[n] = next
			}
			if rapid.Bool().Draw(t, "undone") {
				sum.Undo()
				states = before
				continue
			}
			stored = sum.AppendChanged(stored)
			sum.Keep()
			if rapid.Bool().Draw(t, "shortened") {
				stored = sum.Append(nil)
			}
		}
		if err := read.Set(append(stored, stored...)); err != nil {
			t.Fatal(err)
		}
		if got, want := read.Append(nil), sum.Append(nil); !bytes.Equal(got, want) {
			t.Fatalf("read as %x, want %x", got, want)
		}
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

// TestDamagedTokens checks that bytes that are not a sum are an error.
func TestDamagedTokens(t *testing.T) {
	var sum usagesum.Tokens
	sum.Change(&tokens.State{}, &tokens.State{Tenant: 1, Day: 20_000, Used: tokens.Usage{{{Calls: 1}}}})
	stored := sum.Append(nil)
	for n := 1; n < len(stored); n++ {
		if err := new(usagesum.Tokens).Set(stored[:n]); err == nil {
			t.Errorf("%d bytes of %d are a sum", n, len(stored))
		}
	}
	counts := make([]byte, 2*tokens.Routes)
	for name, start := range map[string][]byte{
		"tenant": binary.AppendVarint(binary.AppendUvarint(nil, 1<<32), 20_000),
		"day":    binary.AppendVarint(binary.AppendUvarint(nil, 1), 1<<31),
	} {
		if err := new(usagesum.Tokens).Set(append(start, counts...)); err == nil {
			t.Errorf("the %s is too large, and no error", name)
		}
	}
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
	states := make([]tokens.State, 1000)
	for n := range states {
		states[n].Tenant, states[n].Day = uint32(n+1), 20_000
	}
	for n := 0; b.Loop(); n++ {
		s := &states[n%len(states)]
		old := *s
		s.Used[0][0].Calls++
		sum.Change(&old, s)
		sum.Keep()
	}
}
