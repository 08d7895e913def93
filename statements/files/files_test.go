package files_test

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	first    = int32(november.Unix() / 86400)
)

func newKey(t testing.TB, seed byte) *statements.Key {
	t.Helper()
	key, err := statements.NewKey(bytes.Repeat([]byte{seed}, statements.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed returns the statement of some lines, which must be in order.
func signed(t testing.TB, s statements.Statement, lines []statements.Line) statements.Closed {
	t.Helper()
	var tree statements.Tree
	s.Rows = []statements.Row{}
	for _, l := range lines {
		tree.Add(l)
		if n := len(s.Rows); n == 0 || s.Rows[n-1].Day != l.DayText() || s.Rows[n-1].Route != l.Route.String() {
			s.Rows = append(s.Rows, statements.Row{Day: l.DayText(), Route: l.Route.String()})
		}
		r := &s.Rows[len(s.Rows)-1]
		r.Calls += l.Calls
		r.Records += l.Records
	}
	s.Root, s.Lines = tree.Root().String(), int64(len(lines))
	if err := s.Cost(); err != nil {
		t.Fatal(err)
	}
	key := newKey(t, 1)
	text, err := note.Sign(&note.Note{Text: s.Text()}, key)
	if err != nil {
		t.Fatal(err)
	}
	return statements.Closed{Statement: s, Note: string(text), Key: key.Public(), Hash: statements.Hash(s.Text())}
}

func write(t testing.TB, f files.Format, c statements.Closed, lines []statements.Line) []byte {
	t.Helper()
	var b bytes.Buffer
	err := files.Write(&b, f, c, func(fn func(statements.Line) error) error {
		for _, l := range lines {
			if err := fn(l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verify(t testing.TB, text []byte, o files.Options) files.Report {
	t.Helper()
	r, err := files.Verify(bytes.NewReader(text), o)
	if err != nil {
		return files.Report{Problems: []files.Problem{{Text: err.Error()}}}
	}
	return r
}

// small is a statement with all that one can have.
func small() (statements.Statement, []statements.Line) {
	s := statements.Statement{Tenant: "acme", Name: "Acme Ltd", Month: "2026-11", Number: 2, ClosedAt: november.AddDate(0, 1, 2), Currency: "EUR",
		Previous: strings.Repeat("0f", 32), Prices: []statements.Price{
			{Since: "2026-01-01", Call: 2000, Record: 100, Tiers: []statements.Tier{{Unit: tenants.Calls, From: 6, Amount: 1000}, {Unit: tenants.Records, From: 4, Amount: 0}}},
			{Since: "2026-11-30", Call: 1, Tiers: []statements.Tier{}},
		}}
	return s, []statements.Line{
		{Token: tokens.ID{1}, Day: first, Route: tokens.Item, Calls: 3, Records: 3},
		{Token: tokens.ID{2}, Day: first, Route: tokens.Item, Calls: 1, Records: 0},
		{Token: tokens.ID{1}, Day: first, Route: tokens.Items, Calls: 4, Records: 40},
		{Token: tokens.ID{9, 15: 255}, Day: first + 29, Route: tokens.Related, Calls: 7, Records: 1},
	}
}

// TestGolden compares each format with its file in testdata, and verifies it.
func TestGolden(t *testing.T) {
	s, lines := small()
	c := signed(t, s, lines)
	for _, f := range files.Formats() {
		got := write(t, f, c, lines)
		file := filepath.Join("testdata", "statement."+string(f))
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v; to accept the change: go test ./statements/files -update\n%s", f, err, got)
		}
		r := verify(t, got, files.Options{Keys: []string{newKey(t, 2).Public(), c.Key}, Previous: s.Previous})
		if len(r.Problems) > 0 || r.Format != f || r.Statement.Amount != c.Amount || r.Hash != c.Hash || f != files.HTML && r.Lines != 4 {
			t.Errorf("%s: %+v", f, r)
		}
		r = verify(t, got, files.Options{Keys: []string{newKey(t, 2).Public()}})
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Text, "not signed by the given key") {
			t.Errorf("%s by another key: %+v", f, r.Problems)
		}
	}
}

// TestEveryBit flips a bit of every third byte of each format in turn.
func TestEveryBit(t *testing.T) {
	s, lines := small()
	s.Prices = s.Prices[:1]
	c := signed(t, s, lines[:2])
	for _, f := range files.Formats() {
		text := write(t, f, c, lines[:2])
		for i := range text {
			if i%3 != 0 || f == files.HTML && i%13 != 0 {
				continue // all of them, and rendering a page as often, would take seconds
			}
			bit := byte(1) << (i % 8)
			text[i] ^= bit
			if r := verify(t, text, files.Options{}); len(r.Problems) == 0 {
				t.Fatalf("%s: byte %d was changed to %q: %q", f, i, text[i], text[max(0, i-20):min(len(text), i+20)])
			}
			text[i] ^= bit
		}
		for _, wrong := range [][]byte{text[:len(text)-1], append(bytes.Clone(text), '\n'), append(bytes.Clone(text), text...), text[:len(text)/2], {}} {
			if r := verify(t, wrong, files.Options{}); len(r.Problems) == 0 {
				t.Errorf("%s: %d of %d bytes are valid", f, len(wrong), len(text))
			}
		}
	}
}

// TestForged checks that a statement that someone signed is still wrong if its numbers are.
func TestForged(t *testing.T) {
	key := newKey(t, 1)
	for name, change := range map[string]func(*statements.Statement){
		"amount of a row": func(s *statements.Statement) { s.Rows[0].Amount++ },
		"total":           func(s *statements.Statement) { s.Amount++ },
		"calls of a row":  func(s *statements.Statement) { s.Rows[1].Calls++; s.Calls++ },
		"a missing row":   func(s *statements.Statement) { s.Rows = s.Rows[1:] },
		"rows in disorder": func(s *statements.Statement) {
			s.Rows[0], s.Rows[1] = s.Rows[1], s.Rows[0]
		},
		"a price":      func(s *statements.Statement) { s.Prices[0].Call++ },
		"lines":        func(s *statements.Statement) { s.Lines-- },
		"another root": func(s *statements.Statement) { s.Root = strings.Repeat("A", 43) + "=" },
	} {
		s, lines := small()
		c := signed(t, s, lines)
		change(&c.Statement)
		text, err := note.Sign(&note.Note{Text: c.Text()}, key)
		if err != nil {
			t.Fatal(err)
		}
		c.Note = string(text)
		if r := verify(t, write(t, files.JSON, c, lines), files.Options{Keys: []string{key.Public()}}); len(r.Problems) == 0 {
			t.Errorf("%s: is valid", name)
		}
	}
	s, lines := small()
	c := signed(t, s, lines)
	lines[0], lines[1] = lines[1], lines[0]
	if r := verify(t, write(t, files.CSV, c, lines), files.Options{}); len(r.Problems) == 0 || !strings.Contains(fmt.Sprint(r.Problems), "not in its place") {
		t.Errorf("lines in disorder: %+v", r.Problems)
	}
}

// million returns a statement of a million lines.
func million(t testing.TB) (statements.Closed, []statements.Line) {
	lines := make([]statements.Line, 1_000_000)
	for i := range lines {
		l := statements.Line{Day: first + int32(i/40_000), Route: tokens.Items, Calls: int64(i%9) + 1, Records: int64(i % 50)}
		binary.BigEndian.PutUint64(l.Token[:], uint64(i)*0x9e3779b9)
		lines[i] = l
	}
	return signed(t, statements.Statement{Tenant: "acme", Month: "2026-11", Number: 1, ClosedAt: november, Prices: []statements.Price{}}, lines), lines
}

// TestMillion flips one bit in a million lines, which must be found with its line.
func TestMillion(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes seconds")
	}
	c, lines := million(t)
	text := write(t, files.JSON, c, lines)
	at := bytes.Index(text, []byte(lines[654_321].Token.String()))
	text[at+3] ^= 1
	line := int64(bytes.Count(text[:at], []byte("\n"))) + 1
	begun := time.Now()
	r := verify(t, text, files.Options{})
	t.Logf("%d MB verified in %v", len(text)>>20, time.Since(begun))
	for _, p := range r.Problems {
		if p.Line != 0 && p.Line != line && p.Line != line+1 { // the next one may be out of order
			t.Errorf("another line: %+v", p)
		}
	}
	if len(r.Problems) == 0 || r.Problems[0].Line != line || r.Lines != 1_000_000 {
		t.Errorf("one bit in line %d: %+v", line, r.Problems)
	}
}

// TestS42_Names writes statements of hostile names, which no page, cell or note may take for
// anything else.
func TestS42_Names(t *testing.T) {
	for _, name := range []string{"=cmd|' /C calc'!A0", `"</pre><script>alert(1)</script>`, `</code></pre><pre id="note">x`, "a\u2028b", "— stile-statements AAAA", `\",\n"`, "+1", "😀 é"} {
		s, lines := small()
		s.Name, s.Tenant = name, "-acme"
		c := signed(t, s, lines)
		for _, f := range files.Formats() {
			text := write(t, f, c, lines)
			r := verify(t, text, files.Options{Keys: []string{c.Key}})
			if len(r.Problems) > 0 || r.Statement.Name != name {
				t.Errorf("%q as %s: %q %+v", name, f, r.Statement.Name, r.Problems)
			}
			switch f {
			case files.HTML:
				if bytes.Contains(text, []byte("<script")) || bytes.Count(text, []byte("<pre")) != 1 {
					t.Errorf("%q is not quoted in the page", name)
				}
			case files.CSV:
				checkCells(t, text)
			case files.JSON:
				var v any
				if err := json.Unmarshal(text, &v); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// checkCells checks that no cell is a formula, and that each record has all cells.
func checkCells(t *testing.T, text []byte) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(records) != 1+2+3+1+4 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	for _, record := range records {
		for _, cell := range record {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
}

// TestCloudEvents checks that each line of NDJSON is a CloudEvent with all required attributes, and
// that source and id are unique.
func TestCloudEvents(t *testing.T) {
	s, lines := small()
	seen := map[string]bool{}
	for line := range bytes.Lines(write(t, files.NDJSON, signed(t, s, lines), lines)) {
		var e struct {
			SpecVersion, ID, Source, Type, Subject, DataContentType string
			Time                                                    time.Time
			Data                                                    map[string]any
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.SpecVersion != "1.0" || e.ID == "" || e.Type == "" || e.Subject != "acme" || e.DataContentType != "application/json" || e.Time.IsZero() || len(e.Data) == 0 || seen[e.Source+" "+e.ID] {
			t.Errorf("%s", line)
		}
		seen[e.Source+" "+e.ID] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d events", len(seen))
	}
}

// TestLawIndependent verifies random statements with a program in Python that shares no code with
// stile.
func TestLawIndependent(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is missing")
	}
	file := filepath.Join(t.TempDir(), "s.json")
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		if n++; n > 3 {
			return // starting Python takes a while
		}
		s, lines := random(r)
		c := signed(t, s, lines)
		if err := os.WriteFile(file, write(t, files.JSON, c, lines), 0o600); err != nil {
			r.Fatal(err)
		}
		out, err := exec.Command(python, "testdata/verify.py", file).CombinedOutput()
		if want := fmt.Sprintf("valid acme 2026-11 %d %d %s\n", c.Calls, c.Records, c.Amount); err != nil || string(out) != want {
			r.Fatalf("%s, want %s: %v", out, want, err)
		}
	})
}

// TestLawSums checks that calls and records are the same by token, day, route and in all, and that
// the amounts add up.
func TestLawSums(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, lines := random(r)
		c := signed(t, s, lines)
		byToken, byDay, byRoute := map[tokens.ID]int64{}, map[string]int64{}, map[string]int64{}
		for _, l := range lines {
			byToken[l.Token] += l.Calls
			byDay[l.DayText()] += l.Calls
			byRoute[l.Route.String()] += l.Calls
		}
		var tokenSum, daySum, routeSum int64
		for _, n := range byToken {
			tokenSum += n
		}
		for _, row := range c.Rows {
			byDay[row.Day] -= row.Calls
			byRoute[row.Route] -= row.Calls
			daySum += row.Calls
			routeSum += row.Calls
		}
		for day, n := range byDay {
			if n != 0 {
				r.Fatalf("%s: %d calls differ", day, n)
			}
		}
		for route, n := range byRoute {
			if n != 0 {
				r.Fatalf("%s: %d calls differ", route, n)
			}
		}
		if tokenSum != c.Calls || daySum != c.Calls || routeSum != c.Calls {
			r.Fatalf("%d, %d, %d, %d", tokenSum, daySum, routeSum, c.Calls)
		}
		f := rapid.SampledFrom(files.Formats()).Draw(r, "format")
		if rep := verify(t, write(t, f, c, lines), files.Options{Keys: []string{c.Key}}); len(rep.Problems) > 0 {
			r.Fatalf("%s: %+v", f, rep.Problems)
		}
	})
}

// random returns a statement of random prices, and its lines.
func random(r *rapid.T) (statements.Statement, []statements.Line) {
	s := statements.Statement{Tenant: "acme", Name: rapid.StringOf(rapid.RuneFrom([]rune(`a<>&"'é—\`))).Draw(r, "name"), Month: "2026-11", Number: 1, ClosedAt: november, Prices: []statements.Price{}}
	for _, since := range []string{"2026-10-05", "2026-11-02"} {
		p := statements.Price{Since: since, Tiers: []statements.Tier{}}
		p.Call, p.Record = micros(r), micros(r)
		for _, unit := range []tenants.Unit{tenants.Calls, tenants.Records} {
			from := int64(1)
			for range rapid.IntRange(0, 2).Draw(r, "tiers") {
				from += rapid.Int64Range(1, 9).Draw(r, "from")
				p.Tiers = append(p.Tiers, statements.Tier{Unit: unit, From: from, Amount: micros(r)})
			}
		}
		s.Prices = append(s.Prices, p)
	}
	var lines []statements.Line
	for day := first; day < first+3; day++ {
		for _, route := range statements.Routes {
			for i := range rapid.IntRange(0, 3).Draw(r, "lines") {
				lines = append(lines, statements.Line{Token: tokens.ID{byte(i)}, Day: day, Route: route, Calls: rapid.Int64Range(1, 9).Draw(r, "calls"), Records: rapid.Int64Range(0, 9).Draw(r, "records")})
			}
		}
	}
	return s, lines
}

func micros(r *rapid.T) usage.Amount {
	return usage.Amount(rapid.Int64Range(0, 3000).Draw(r, "micros"))
}
