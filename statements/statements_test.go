package statements_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"stile.example/stile/statements"
	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

func newKey(t *testing.T, seed byte) *statements.Key {
	t.Helper()
	key, err := statements.NewKey([]byte(strings.Repeat(string(rune(seed)), statements.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestClosesAt checks that a month closes two days after its end, whatever its length.
func TestClosesAt(t *testing.T) {
	for month, want := range map[string]string{"2026-11": "2026-12-03T00:00:00Z", "2026-12": "2027-01-03T00:00:00Z", "2028-02": "2028-03-03T00:00:00Z"} {
		first, err := statements.ParseMonth(month)
		if err != nil || statements.ClosesAt(first).Format(time.RFC3339) != want {
			t.Errorf("%s closes at %v, want %s: %v", month, statements.ClosesAt(first), want, err)
		}
	}
	for _, wrong := range []string{"", "2026", "2026-1", "2026-13", "2026-11-01", "2026-00", "x"} {
		if _, err := statements.ParseMonth(wrong); err == nil {
			t.Errorf("%q is a month", wrong)
		}
	}
	// A token that is bound in the last second of a month has expired a day before.
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	first, _ := statements.ParseMonth("2026-11")
	if last := end.Add(-time.Second).Add(24 * time.Hour); statements.ClosesAt(first).Sub(last) < 24*time.Hour {
		t.Errorf("a token that counts in November lives until %v", last)
	}
}

// TestLawText checks that the text of a statement is read back, and that no other spelling is.
func TestLawText(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := statements.Statement{Tenant: "acme", Name: rapid.String().Draw(r, "name"), Month: "2026-11", Number: rapid.Int64Range(1, 99).Draw(r, "number"),
			ClosedAt: time.Unix(rapid.Int64Range(0, 1<<33).Draw(r, "at"), 0).UTC(), Prices: []statements.Price{{Since: "2026-01-01", Call: 5, Tiers: []statements.Tier{{Unit: tenants.Calls, From: 3, Amount: 1}}}},
			Rows: []statements.Row{{Day: "2026-11-01", Route: "item", Calls: 4}}}
		s.Name = strings.ToValidUTF8(s.Name, "")
		if err := s.Cost(); err != nil || s.Amount != 12 {
			r.Fatalf("%v %v", s.Amount, err)
		}
		text := s.Text()
		if _, err := note.Sign(&note.Note{Text: text}); err != nil {
			r.Fatalf("%q can't be signed: %v", text, err)
		}
		back, err := statements.ParseText(text)
		if err != nil || back.Text() != text || back.Name != s.Name {
			r.Fatalf("%+v %v", back, err)
		}
		if _, err := statements.ParseText(strings.Replace(text, `"tenant":`, `"tenant": `, 1)); err == nil {
			r.Fatal("another spelling is read")
		}
		if _, err := statements.ParseText(strings.Replace(text, `"tenant"`, `"Tenant"`, 1)); err == nil {
			r.Fatal("another field is read")
		}
	})
	for _, wrong := range []string{"", "stile statement 2\n{}", "stile statement 1\n", "stile statement 1\n{}", "stile statement 1\n[]"} {
		if _, err := statements.ParseText(wrong); err == nil {
			t.Errorf("%q is a statement", wrong)
		}
	}
}

// TestLawLines checks that lines are read back from their text and their stored form.
func TestLawLines(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var stored []byte
		var lines []statements.Line
		for range rapid.IntRange(0, 5).Draw(r, "n") {
			l := statements.Line{Token: tokens.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "token")), Day: rapid.Int32Range(0, 40_000).Draw(r, "day"),
				Route: rapid.SampledFrom(statements.Routes).Draw(r, "route"), Calls: rapid.Int64Range(0, 1<<40).Draw(r, "calls"), Records: rapid.Int64Range(0, 1<<40).Draw(r, "records")}
			stored = statements.AppendLine(stored, l)
			lines = append(lines, l)
			if back, err := statements.ParseLine(string(l.AppendText(nil))); err != nil || back != l {
				r.Fatalf("%+v, want %+v: %v", back, l, err)
			}
		}
		back, err := statements.DecodeLines(stored)
		if err != nil || fmt.Sprint(back) != fmt.Sprint(lines) {
			r.Fatalf("%v, want %v: %v", back, lines, err)
		}
		if len(stored) > 0 {
			if _, err := statements.DecodeLines(stored[:len(stored)-1]); err == nil && len(lines) == 1 {
				r.Fatal("a part of a line is read")
			}
		}
	})
}

// TestLawTree compares the tree with tlog's.
func TestLawTree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var tree statements.Tree
		var all []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, _ error) {
			for _, i := range indexes {
				list = append(list, all[i])
			}
			return list, nil
		})
		n := rapid.Int64Range(0, 70).Draw(r, "n")
		for i := range n {
			l := statements.Line{Token: tokens.ID{byte(i)}, Calls: i}
			tree.Add(l)
			hashes, err := tlog.StoredHashes(i, l.AppendText(nil), reader)
			if err != nil {
				r.Fatal(err)
			}
			all = append(all, hashes...)
		}
		if want, err := tlog.TreeHash(n, reader); err != nil || tree.Root() != want {
			r.Fatalf("%d lines: %v, want %v: %v", n, tree.Root(), want, err)
		}
	})
}

// TestKeys checks that a note is opened only by its key, and that keys have one spelling.
func TestKeys(t *testing.T) {
	key, other := newKey(t, 'a'), newKey(t, 'b')
	if key.Public() == other.Public() || key.Public() != newKey(t, 'a').Public() || !strings.Contains(fmt.Sprintf("%v %+v %s", key, key, key), "hidden") {
		t.Error("the keys")
	}
	signed, err := note.Sign(&note.Note{Text: "text\n"}, key)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := statements.Open(string(signed), other.Public(), key.Public()); err != nil || text != "text\n" {
		t.Errorf("%q %v", text, err)
	}
	for name, wrong := range map[string][2]string{
		"another key":         {string(signed), other.Public()},
		"another text":        {"x" + string(signed), key.Public()},
		"another signature":   {string(signed) + "— x AAAA\n", key.Public()},
		"no signature":        {"text\n", key.Public()},
		"a key in capitals":   {string(signed), strings.ToUpper(key.Public())},
		"something for a key": {string(signed), "x"},
	} {
		if _, err := statements.Open(wrong[0], wrong[1]); err == nil {
			t.Errorf("%s opens the note", name)
		}
	}
	keys, err := statements.ParseKeys("# comment\n\n" + key.Public() + "\r\n" + other.Public())
	if err != nil || len(keys) != 2 || keys[1] != other.Public() {
		t.Errorf("%q %v", keys, err)
	}
	for _, wrong := range []string{"", "# none", "x", key.Public() + "x"} {
		if _, err := statements.ParseKeys(wrong); err == nil {
			t.Errorf("%q has keys", wrong)
		}
	}
}

// TestPricesOfMonth checks that a statement has the prices of its month, and no others.
func TestPricesOfMonth(t *testing.T) {
	var prices []tenants.Price
	for _, since := range []string{"2026-09-01", "2026-10-15", "2026-11-10", "2026-11-30", "2026-12-01"} {
		prices = append(prices, tenants.Price{Since: since, Micros: 1})
	}
	month, _ := statements.ParseMonth("2026-11")
	s, err := statements.Preliminary(statements.Account{Tenant: "acme", Prices: prices}, month, nil)
	text, _ := json.Marshal(s.Prices)
	if err != nil || strings.Count(string(text), "since") != 3 || !strings.Contains(string(text), "2026-10-15") || strings.Contains(string(text), "2026-12") {
		t.Errorf("%s %v", text, err)
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add(statements.Proof{Index: 1, Lines: 2, Hashes: tlog.RecordProof{{1}}}.String())
	f.Add("stile proof 1\n0 1\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := statements.ParseProof(text); err == nil && p.String() != text {
			t.Errorf("%q became %q", text, p)
		}
	})
}

func FuzzDecodeLines(f *testing.F) {
	f.Add(statements.AppendLine(nil, statements.Line{Calls: 1 << 40}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = statements.DecodeLines(b) // must not panic
	})
}
