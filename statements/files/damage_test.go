package files_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/tokens"
)

// TestDamage damages files in each way that a file is damaged or forged, and checks that the
// problem says which line it is in.
func TestDamage(t *testing.T) {
	s, lines := small()
	c := signed(t, s, lines)
	other := s
	other.Month, other.Number = "2026-10", 1
	october := signed(t, other, []statements.Line{{Token: tokens.ID{1}, Day: first - 31, Route: tokens.Item, Calls: 1}})
	dollars := s
	dollars.Currency = "USD"
	foreign := signed(t, dollars, lines)
	for _, f := range files.Formats() {
		whole := write(t, f, c, lines)
		all := slices.Collect(bytes.Lines(whole))
		number := func(text string) int { // of the last line that has a text, from 0; -1: there is none
			for i := len(all) - 1; i >= 0; i-- {
				if bytes.Contains(all[i], []byte(text)) {
					return i
				}
			}
			return -1
		}
		at := func(i int, line ...string) []byte { // with another line
			next := slices.Clone(all)
			b := make([][]byte, len(line))
			for n := range line {
				b[n] = []byte(line[n])
			}
			return bytes.Join(slices.Replace(next, i, i+1, b...), nil)
		}
		check := func(name string, text []byte, line int, want string, o files.Options) {
			t.Helper()
			r := verify(t, text, o)
			if !slices.ContainsFunc(r.Problems, func(p files.Problem) bool { return p.Line == int64(line) && strings.Contains(p.Text, want) }) {
				t.Errorf("%s, %s: %+v, want %q in line %d", f, name, r.Problems, want, line)
			}
		}
		noteLine := slices.IndexFunc(all, func(l []byte) bool { return bytes.Contains(l, []byte("stile statement 1")) }) + 1
		sig := string(whole)
		for _, field := range []string{"acme", "Acme Ltd", "2026-11", "EUR", "closed_at", "prices"} {
			i := strings.Index(sig, "stile statement 1")
			i += strings.Index(sig[i:], field)
			check("a flipped bit in "+field, []byte(sig[:i]+string(sig[i]^1)+sig[i+1:]), noteLine, "the signed note: ", files.Options{})
		}
		check("another key", whole, noteLine, "not signed by the given key", files.Options{Keys: []string{newKey(t, 2).Public()}})
		check("another statement before", whole, 0, "does not follow the given one", files.Options{Previous: strings.Repeat("00", 32)})
		check("more at the end", append(bytes.Clone(whole), "more\n"...), len(all)+1, "the file has not", files.Options{})
		check("truncated", bytes.Join(all[:len(all)-1], nil), len(all)-1, "file ends", files.Options{})
		check("cut in the note", whole[:bytes.Index(whole, []byte("prices"))], noteLine, "the signed note", files.Options{})
		for name, note := range map[string]string{"another month": october.Note, "another currency": foreign.Note} {
			text := bytes.Replace(whole, encoded(f, c.Note), encoded(f, note), 1)
			if r := verify(t, text, files.Options{}); bytes.Equal(text, whole) || len(r.Problems) == 0 || r.Problems[0].Line == 0 || !strings.Contains(r.Problems[0].Text, "differs from what the signed note says") {
				t.Errorf("%s, the note of %s: %+v", f, name, r.Problems)
			}
		}
		i := number("02000000")
		if i < 0 { // a page has no lines
			continue
		}
		line := string(all[i])
		check("a removed line", at(i), i, "2026-11-01, item: the ledger lines add up to 3 calls and 3 records, and the statement says 4 and 3", files.Options{})
		check("a repeated line", at(i, line, line), i+2, "not in its place", files.Options{})
		check("swapped lines", bytes.Join(slices.Replace(slices.Clone(all), i, i+2, all[i+1], all[i]), nil), i+2, "not in its place", files.Options{})
		check("a changed count", at(i, strings.Replace(line, "1", "7", 1)), i+1, "", files.Options{})
		check("a changed token", at(i, strings.Replace(line, "02000000", "03000000", 1)), i+1, "was changed", files.Options{})
		check("a changed day", at(i, strings.ReplaceAll(line, "2026-11-01", "2026-11-02")), i+1, "", files.Options{})
		check("a changed route", at(i, strings.Replace(line, "item", "related", 1)), i+1, "was changed", files.Options{})
		check("no ledger line", at(i, "x\n"), i+1, "is not a ledger line", files.Options{})
		check("a space", at(i, " "+line), i+1, "", files.Options{})
		check("another line break", at(i, strings.TrimSuffix(line, "\n")+"\r\n"), i+1, "", files.Options{})
		if f != files.CSV {
			check("an unknown field", at(i, strings.Replace(line, `"day"`, `"x":1,"day"`, 1)), i+1, "", files.Options{})
			check("a field twice", at(i, strings.Replace(line, `,"records"`, `,"calls":9,"records"`, 1)), i+1, "", files.Options{})
		}
	}
}

// encoded returns a note as it is in a file.
func encoded(f files.Format, text string) []byte {
	switch f {
	case files.JSON, files.NDJSON:
		return []byte(statements.CompactJSON(text))
	case files.CSV:
		return []byte(`"` + strings.ReplaceAll(text, `"`, `""`) + `"`)
	}
	return []byte(strings.NewReplacer("&", "&amp;", `"`, "&#34;", "+", "&#43;").Replace(text))
}

// TestLawDamage changes files at random: bytes, pieces and lines are changed, removed, repeated and
// moved. Every file that differs from the one that was written must be refused.
func TestLawDamage(t *testing.T) {
	s, lines := small()
	c := signed(t, s, lines)
	whole := map[files.Format][]byte{}
	for _, f := range files.Formats() {
		whole[f] = write(t, f, c, lines)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(files.Formats()).Draw(t, "format")
		text := bytes.Clone(whole[f])
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			text = damaged(t, text)
		}
		if bytes.Equal(text, whole[f]) {
			return
		}
		r, err := files.Verify(bytes.NewReader(text), files.Options{Keys: []string{c.Key}})
		if err == nil && len(r.Problems) == 0 {
			t.Fatalf("%s: a changed file is valid: %q", f, text)
		}
		if err == nil && strings.TrimSpace(r.Problems[0].Text) == "" {
			t.Fatalf("%s: a problem says nothing", f)
		}
	})
}

// damaged returns a text with a random change.
func damaged(t *rapid.T, text []byte) []byte {
	if len(text) == 0 {
		return text
	}
	i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
	j := rapid.IntRange(i, min(len(text), i+40)).Draw(t, "to")
	all := slices.Collect(bytes.Lines(text))
	a, b := rapid.IntRange(0, len(all)-1).Draw(t, "line"), rapid.IntRange(0, len(all)-1).Draw(t, "other line")
	switch rapid.IntRange(0, 7).Draw(t, "change") {
	case 0:
		text[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case 1:
		return slices.Delete(text, i, j)
	case 2:
		return slices.Insert(text, i, rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "more")...)
	case 3:
		return slices.Insert(text, i, bytes.Clone(text[i:j])...)
	case 4:
		return text[:i]
	case 5:
		all[a], all[b] = all[b], all[a]
		return bytes.Join(all, nil)
	case 6:
		return bytes.Join(slices.Delete(all, a, a+1), nil)
	case 7:
		return bytes.Join(slices.Insert(all, b, all[a]), nil)
	}
	return text
}
