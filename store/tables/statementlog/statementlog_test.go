package statementlog_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"stile.example/stile/statements"
	_ "stile.example/stile/stiletest/repeatable"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/statementlog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func openDB(t testing.TB) newdb.DB {
	t.Helper()
	return newdb.Open(t, func() time.Time { return november })
}

func newBook(t testing.TB, db newdb.DB) *statements.Book {
	t.Helper()
	key, err := statements.NewKey(make([]byte, statements.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return &statements.Book{Store: statementlog.Table{DB: db}, Key: key}
}

func addTenant(t testing.TB, db newdb.DB, clientID string, created time.Time, prices ...tenants.Price) uint32 {
	t.Helper()
	added, err := db.AddTenant(context.Background(), tenants.Tenant{ClientID: clientID, Name: "Name of " + clientID, Status: tenants.Active, CreatedAt: created, Prices: prices, Currency: "EUR"})
	if err != nil {
		t.Fatal(err)
	}
	return added.Number
}

// count stores the state of a token that was bound on a day.
func count(t testing.TB, db newdb.DB, tenant uint32, id tokens.ID, day int32, used tokens.Usage) {
	t.Helper()
	issued := int64(day)*86400 + 80_000 // late on that day, so that it may be used on the next one
	newdb.PutState(t, db, id, tokens.State{Tenant: tenant, Day: day, IssuedAt: issued, Expires: issued + 86400, Used: used})
}

func closeAt(t testing.TB, b *statements.Book, now time.Time) []statements.Statement {
	t.Helper()
	made, err := b.CloseDue(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestSlowReader checks that all lines of a long statement are read, in order, and that no
// connection is held while a slow reader is waited for.
func TestSlowReader(t *testing.T) {
	db := openDB(t)
	table := statementlog.Table{DB: db}
	var all []statements.Chunk
	for n := range int64(50) {
		all = append(all, statements.Chunk{First: n * statements.ChunkLines, Lines: []byte{byte(n)}})
	}
	if err := table.AddLines(t.Context(), "acme", "2026-10", all); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	err := table.EachChunk(t.Context(), "acme", "2026-10", func(c statements.Chunk) error {
		if c.First != n*statements.ChunkLines || !bytes.Equal(c.Lines, []byte{byte(n)}) {
			t.Errorf("chunk %d begins with line %d", n, c.First)
		}
		if held := db.Reader().Stats().InUse; held > 0 {
			t.Fatalf("%d connections are held meanwhile", held)
		}
		n++
		return nil
	})
	if err != nil || n != 50 {
		t.Errorf("%d of 50 chunks: %v", n, err)
	}
}

// linesOf returns the lines of a statement as texts.
func linesOf(t testing.TB, b *statements.Book, tenant, month string) (texts []string) {
	t.Helper()
	c, err := b.Statement(context.Background(), tenant, month)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Lines(context.Background(), c, func(l statements.Line) error { texts = append(texts, string(l.AppendText(nil))); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestLawMonthEnd closes two months around which tokens were used, while some of them are in the
// ledger, some in rows and some in the journal, and sweeps before or after. Each count must be in
// exactly one statement, and the statements must agree with the usage.
func TestLawMonthEnd(t *testing.T) {
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		if n++; n > 40 || n > 10 && strings.HasPrefix(t.Name(), "TestOnPostgres") {
			return // opening a database takes a while
		}
		db := openDB(t)
		defer db.Close()
		b := newBook(t, db)
		price := tenants.Price{Since: "2026-01-01", Micros: 2000, RecordMicros: 3, Tiers: []tenants.Tier{{Unit: tenants.Calls, From: 9, Micros: 1000}}}
		acme, beta := addTenant(t, db, "acme", november, price), addTenant(t, db, "beta", november)
		first := int32(november.AddDate(0, 1, 0).Unix()/86400) - 3 // 28 November
		want := map[string]int{}
		sweep := func(at string) {
			if rapid.Bool().Draw(r, at) {
				now := time.Unix(int64(first)*86400, 0).Add(time.Duration(rapid.IntRange(24, 24*6).Draw(r, "hours")) * time.Hour)
				if err := db.Sweep(context.Background(), now); err != nil {
					r.Fatal(err)
				}
			}
		}
		for i := range rapid.IntRange(1, 12).Draw(r, "tokens") {
			id := tokens.NewID("x", fmt.Sprint(i))
			day := first + int32(rapid.IntRange(0, 4).Draw(r, "day"))
			tenant, name := acme, "acme"
			if rapid.Bool().Draw(r, "beta") {
				tenant, name = beta, "beta"
			}
			var used tokens.Usage
			for d := range used {
				for route := range used[d] {
					if c := rapid.Uint32Range(0, 3).Draw(r, "calls"); c > 0 {
						used[d][route] = tokens.Count{Calls: c, Records: 2 * c}
						l := statements.Line{Token: id, Day: day + int32(d), Route: tokens.Route(route), Calls: int64(c), Records: 2 * int64(c)}
						want[name+" "+l.DayText()[:7]+" "+string(l.AppendText(nil))]++
					}
				}
			}
			count(t, db, tenant, id, day, used)
			sweep("sweep while counting")
		}
		december := november.AddDate(0, 1, 0)
		if made := closeAt(t, b, december.Add(statements.Delay-1)); made != nil {
			r.Fatalf("closed too early: %+v", made)
		}
		closeAt(t, b, december.Add(statements.Delay))
		sweep("sweep after the first month")
		closeAt(t, b, december.AddDate(0, 1, 0).Add(statements.Delay))
		sweep("sweep after the second month")
		if again := closeAt(t, b, december.AddDate(0, 1, 0).Add(statements.Delay)); len(again) != 0 {
			r.Fatalf("closed twice: %+v", again)
		}
		got := map[string]int{}
		list, err := b.Store.Statements(context.Background(), statements.Query{Limit: 10})
		if err != nil {
			r.Fatal(err)
		}
		for _, s := range list {
			for _, line := range linesOf(t, b, s.Tenant, s.Month) {
				got[s.Tenant+" "+s.Month+" "+line]++
			}
			agrees(r, db, s.Statement, price)
		}
		if !maps.Equal(got, want) {
			r.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

// agrees checks that a statement has the calls, records and amounts of the usage of its month.
func agrees(r *rapid.T, db newdb.DB, s statements.Statement, price tenants.Price) {
	month, _ := statements.ParseMonth(s.Month)
	lines, err := db.Usage(context.Background(), s.Tenant, usage.Day(month), usage.Day(month.AddDate(0, 1, -1)))
	if err != nil {
		r.Fatal(err)
	}
	prices := []tenants.Price{price}
	if s.Tenant == "beta" {
		prices = nil
	}
	rows, err := usage.Statement(lines, func(string) []tenants.Price { return prices })
	if err != nil || len(rows) != len(s.Rows) {
		r.Fatalf("%v: %d rows, want %d", err, len(s.Rows), len(rows))
	}
	var calls, records int64
	var amount usage.Amount
	for i, row := range rows {
		if s.Rows[i] != (statements.Row{Day: row.Day, Route: row.Route, Calls: row.Calls, Records: row.Records, Amount: row.Amount}) {
			r.Fatalf("%+v, want %+v", s.Rows[i], row)
		}
		calls, records, amount = calls+row.Calls, records+row.Records, amount+row.Amount
	}
	if s.Calls != calls || s.Records != records || s.Amount != amount {
		r.Fatalf("%+v, want %d %d %v", s, calls, records, amount)
	}
}

// TestImmutable checks that the database refuses every change of a statement, however it is
// written.
func TestImmutable(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	acme := addTenant(t, db, "acme", november)
	count(t, db, acme, tokens.ID{1}, int32(november.Unix()/86400), tokens.Usage{{{Calls: 5, Records: 9}}})
	made := closeAt(t, b, statements.ClosesAt(november))
	if len(made) != 1 || made[0].Calls != 5 || made[0].Number != 1 || made[0].Previous != "" || made[0].Name != "Name of acme" || made[0].Currency != "EUR" {
		t.Fatalf("%+v", made)
	}
	changes := []string{
		`UPDATE statements SET amount = 0`, `DELETE FROM statements`, `INSERT INTO statements SELECT * FROM statements`,
		`INSERT INTO statements SELECT * FROM statements WHERE true ON CONFLICT (tenant, month) DO UPDATE SET amount = 7`,
		`UPDATE statement_lines SET first = 7`, `DELETE FROM statement_lines`, `INSERT INTO statement_lines SELECT tenant, month, 1024, hash, lines FROM statement_lines`,
		`INSERT INTO statement_lines SELECT * FROM statement_lines WHERE true ON CONFLICT (tenant, month, first) DO UPDATE SET first = 7`,
		`UPDATE closed_months SET month = '2026-10'`, `DELETE FROM closed_months`,
		`INSERT INTO closed_months VALUES ('2026-11', 7) ON CONFLICT (month) DO UPDATE SET closed_at = 7`,
	}
	if _, isSQLite := db.(*sqlite.DB); isSQLite {
		changes = append(changes, `INSERT OR REPLACE INTO statements SELECT * FROM statements`, `UPDATE OR REPLACE statements SET month = '2026-10'`,
			`INSERT OR REPLACE INTO statement_lines SELECT * FROM statement_lines`)
	} else {
		changes = append(changes, `TRUNCATE statements`, `TRUNCATE statement_lines`, `TRUNCATE closed_months`, `TRUNCATE statements, statement_lines CASCADE`)
	}
	for _, change := range changes {
		err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(change); return err })
		if err == nil || !strings.Contains(err.Error(), "can't be") && !strings.Contains(err.Error(), "exists already") {
			t.Errorf("%s: %v", change, err)
		}
	}
	if got := linesOf(t, b, "acme", "2026-11"); !slices.Equal(got, []string{"01000000000000000000000000000000 2026-11-01 items 5 9"}) {
		t.Errorf("%q", got)
	}
}

// TestInterrupted checks that a closing that was interrupted anywhere continues, and that each
// statement is made once.
func TestInterrupted(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	day := int32(november.Unix() / 86400)
	for _, name := range []string{"acme", "beta", "gamma"} {
		n := addTenant(t, db, name, november)
		for i := range 5000 {
			var id tokens.ID
			binary.BigEndian.PutUint32(id[:], uint32(i))
			id[15] = byte(n)
			if err := insert(db, n, day, id); err != nil {
				t.Fatal(err)
			}
			if i > 0 && name != "beta" {
				break
			}
		}
	}
	real, made := b.Store, []string{}
	b.OnClosed = func(s statements.Statement) { made = append(made, s.Tenant) }
	for stop := 0; ; stop++ {
		b.Store = &failing{Store: real, left: stop}
		if _, err := b.CloseDue(t.Context(), statements.ClosesAt(november)); err == nil {
			break
		} else if !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
	}
	if !slices.Equal(made, []string{"acme", "beta", "gamma"}) {
		t.Errorf("made %v", made)
	}
	if n := len(linesOf(t, b, "beta", "2026-11")); n != 5000 {
		t.Errorf("%d lines", n)
	}
}

// failing fails after some writes.
type failing struct {
	statements.Store
	left int
}

var errStopped = errors.New("stopped")

func (f *failing) fail() error {
	if f.left--; f.left < 0 {
		return errStopped
	}
	return nil
}

func (f *failing) AddLines(ctx context.Context, tenant, month string, chunks []statements.Chunk) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.AddLines(ctx, tenant, month, chunks)
}

func (f *failing) AddStatement(ctx context.Context, c statements.Closed, stamp string) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.AddStatement(ctx, c, stamp)
}

func (f *failing) CloseMonth(ctx context.Context, month string, at time.Time) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.CloseMonth(ctx, month, at)
}

func insert(db newdb.DB, tenant uint32, day int32, id tokens.ID) error {
	return db.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO ledger VALUES (?, ?, 0, ?, 1, 2)`, tenant, day, id[:])
		return err
	})
}

// TestPriceChangedMeanwhile checks that a price that is set while a month is closed is either in
// the statement, or set afterwards.
func TestPriceChangedMeanwhile(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	acme := addTenant(t, db, "acme", november, tenants.Price{Since: "2026-01-01", Micros: 1})
	count(t, db, acme, tokens.ID{1}, int32(november.Unix()/86400), tokens.Usage{{{Calls: 5}}})
	b.Store = &repricing{b.Store, func() {
		_, err := db.UpdateTenant(t.Context(), "acme", func(t *tenants.Tenant) error { t.SetPrice(tenants.Price{Since: "2026-01-01", Micros: 7}); return nil })
		if err != nil {
			t.Error(err)
		}
	}}
	if made := closeAt(t, b, statements.ClosesAt(november)); len(made) != 1 || made[0].Amount != 35 {
		t.Errorf("%+v", made)
	}
}

type repricing struct {
	statements.Store
	change func()
}

func (s *repricing) AddStatement(ctx context.Context, c statements.Closed, stamp string) error {
	if s.change != nil {
		s.change()
		s.change = nil
	}
	return s.Store.AddStatement(ctx, c, stamp)
}

// TestRemovedAndAdded checks that a removed tenant and the one that got its client_id have
// statements of their own, with their own prices, usage and chain, and that each keeps them.
func TestRemovedAndAdded(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	day := int32(november.Unix() / 86400)
	old := addTenant(t, db, "acme", november.AddDate(0, -1, 0), tenants.Price{Since: "2026-01-01", Micros: 100})
	count(t, db, old, tokens.ID{9}, day-9, tokens.Usage{{{Calls: 1}}})
	closeAt(t, b, statements.ClosesAt(november.AddDate(0, -1, 0)))
	count(t, db, old, tokens.ID{1}, day, tokens.Usage{{{Calls: 2}}})
	if err := db.RemoveTenant(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	next := addTenant(t, db, "acme", november.AddDate(0, 0, 9), tenants.Price{Since: "2026-01-01", Micros: 1})
	count(t, db, next, tokens.ID{2}, day+9, tokens.Usage{{{Calls: 3}}})
	addTenant(t, db, "idle", november)
	addTenant(t, db, "later", november.AddDate(0, 1, 0))
	gone := addTenant(t, db, "gone", november)
	if err := db.RemoveTenant(t.Context(), "gone"); err != nil || gone == 0 {
		t.Fatal(err)
	}
	var got []string
	for _, s := range closeAt(t, b, statements.ClosesAt(november)) {
		got = append(got, fmt.Sprint(s.Tenant, " ", s.Number, " ", int64(s.Amount), " ", s.Lines, " ", s.Previous != ""))
	}
	if want := []string{"acme 1 3 1 false", "acme~1 2 200 1 true", "idle 1 0 0 false"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]string{"acme 2026-10": "not found", "acme~1 2026-10": "acme 100", "acme~1 2026-11": "acme~1 200", "acme 2026-11": "acme 3", "acme~2 2026-11": "not found"} {
		tenant, month, _ := strings.Cut(name, " ")
		c, err := b.Statement(t.Context(), tenant, month)
		text := fmt.Sprint(c.Tenant, " ", int64(c.Amount))
		if errors.Is(err, statements.ErrNotFound) {
			text, err = "not found", nil
		}
		if text != want || err != nil {
			t.Errorf("%s: %s, want %s: %v", name, text, want, err)
		}
	}
}

// TestAddedWhileClosing checks that a tenant that gets a client_id while the month of the one
// before is being closed gets nothing of it.
func TestAddedWhileClosing(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	old := addTenant(t, db, "acme", november)
	count(t, db, old, tokens.ID{1}, int32(november.Unix()/86400), tokens.Usage{{{Calls: 2}}})
	b.Store = &repricing{b.Store, func() {
		if err := db.RemoveTenant(t.Context(), "acme"); err != nil {
			t.Error(err)
		}
		addTenant(t, db, "acme", statements.ClosesAt(november))
	}}
	if made, err := b.CloseDue(t.Context(), statements.ClosesAt(november)); !errors.Is(err, statements.ErrChanged) || len(made) > 0 {
		t.Errorf("%v %v", made, err)
	}
	if made := closeAt(t, b, statements.ClosesAt(november)); len(made) != 1 || made[0].Tenant != "acme~1" || made[0].Calls != 2 {
		t.Errorf("%+v", made)
	}
	if lines := linesOf(t, b, "acme~1", "2026-11"); len(lines) != 1 {
		t.Errorf("lines %q", lines)
	}
}

// TestProof checks proofs of lines of small and large statements with package tlog, and their
// size.
func TestProof(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	acme := addTenant(t, db, "acme", november)
	fill(t, db, acme, 5000)
	made := closeAt(t, b, statements.ClosesAt(november))
	c, err := b.Statement(t.Context(), "acme", "2026-11")
	if err != nil || len(made) != 1 {
		t.Fatal(err)
	}
	var all []tlog.Hash // as tlog stores them
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, _ error) {
		for _, i := range indexes {
			list = append(list, all[i])
		}
		return list, nil
	})
	lines := linesOf(t, b, "acme", "2026-11")
	for i, text := range lines {
		hashes, err := tlog.StoredHashes(int64(i), []byte(text), reader)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(lines)), reader)
	if err != nil || root.String() != c.Root {
		t.Fatalf("root %v, want %s: %v", root, c.Root, err)
	}
	for _, i := range []int64{0, 1, 1023, 1024, 2047, 4095, 4096, 4998, 4999} {
		p, err := b.Prove(t.Context(), c, i)
		if err != nil {
			t.Fatal(err)
		}
		want, err := tlog.ProveRecord(5000, i, reader)
		if err != nil || !slices.Equal(p.Hashes, want) {
			t.Errorf("line %d: %v", i, err)
		}
		back, err := statements.ParseProof(p.String())
		if err != nil || back.Check(c.Statement) != nil || string(back.Line.AppendText(nil)) != lines[i] {
			t.Errorf("line %d: %+v %v", i, back, err)
		}
		back.Line.Calls++
		if back.Check(c.Statement) == nil {
			t.Errorf("line %d: another line is proven too", i)
		}
	}
	if _, err := b.Prove(t.Context(), c, 5000); !errors.Is(err, statements.ErrNotFound) {
		t.Errorf("a line after the last: %v", err)
	}
}

// fill adds n lines to the ledger, for November.
func fill(t testing.TB, db newdb.DB, tenant uint32, n int) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
			INSERT INTO ledger SELECT ?2, ?3 + i * 60 / ?1 / 2, i * 60 / ?1 % 2, CAST(printf('%08d%08d', i, i) AS BLOB), 1 + i % 7, i % 50 FROM n`,
			n, tenant, november.Unix()/86400)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMillion checks that a month of a million lines closes in 5 s, that calls do not wait for it,
// and that a proof has at most 1 KB.
func TestMillion(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("takes seconds")
	}
	db := openDB(t)
	b := newBook(t, db)
	fill(t, db, addTenant(t, db, "acme", november), 1_000_000)
	stop, slowest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var longest time.Duration
		for i := uint32(0); ; i++ {
			select {
			case <-stop:
				slowest <- longest
				return
			default:
			}
			begun := time.Now()
			var id tokens.ID
			binary.BigEndian.PutUint32(id[:], i)
			_ = db.(tokens.Store).Update(context.Background(), id, func(s tokens.State) tokens.State { s.Tenant = 1; s.Expires = 1 << 40; return s })
			longest = max(longest, time.Since(begun))
			time.Sleep(time.Millisecond)
		}
	}()
	begun, used := time.Now(), processorTime(t)
	made := closeAt(t, b, statements.ClosesAt(november))
	took := time.Since(begun)
	used = processorTime(t) - used // other tests may have the processors for most of the time
	close(stop)
	t.Logf("closed in %v, with %v of a processor; the slowest call took %v", took, used, <-slowest)
	if len(made) != 1 || made[0].Lines != 1_000_000 || min(took, used) > 5*time.Second {
		t.Errorf("%d statements in %v, with %v of a processor", len(made), took, used)
	}
	c, err := b.Statement(t.Context(), "acme", "2026-11")
	if err != nil {
		t.Fatal(err)
	}
	begun = time.Now()
	p, err := b.Prove(t.Context(), c, 777_777)
	if err != nil || len(p.String()) > 1024 {
		t.Errorf("a proof of %d bytes: %v", len(p.String()), err)
	}
	t.Logf("a proof of %d bytes in %v", len(p.String()), time.Since(begun))
}

// TestChain checks that each statement has the next number, and the hash of the tenant's statement
// before, and that lists and keys show them.
func TestChain(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	acme, day := addTenant(t, db, "acme", november), int32(november.Unix()/86400)
	addTenant(t, db, "beta", november.AddDate(0, 1, 5))
	count(t, db, acme, tokens.ID{1}, day, tokens.Usage{{{Calls: 5}}})
	made := closeAt(t, b, statements.ClosesAt(november.AddDate(0, 2, 0)))
	var got []string
	previous := ""
	for _, s := range made {
		got = append(got, fmt.Sprint(s.Tenant, s.Month, s.Number))
		if s.Tenant == "acme" {
			if s.Previous != previous {
				t.Errorf("%s follows %q, want %q", s.Month, s.Previous, previous)
			}
			previous = statements.Hash(s.Text())
		}
	}
	if want := []string{"acme2026-111", "acme2026-122", "beta2026-121", "acme2027-013", "beta2027-012"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for q, want := range map[statements.Query]string{
		{Limit: 9}:                   "[2027-01 acme 2027-01 beta 2026-12 acme 2026-12 beta 2026-11 acme]",
		{Limit: 1}:                   "[2027-01 acme]",
		{Limit: 9, Owner: 2}:         "[2027-01 beta 2026-12 beta]",
		{Limit: 9, Month: "2026-12"}: "[2026-12 acme 2026-12 beta]",
		{Limit: 2, AfterMonth: "2027-01", AfterTenant: "acme"}: "[2027-01 beta 2026-12 acme]",
	} {
		list, err := b.Store.Statements(t.Context(), q)
		var names []string
		for _, c := range list {
			names = append(names, c.Month, c.Tenant)
		}
		if fmt.Sprint(names) != want || err != nil {
			t.Errorf("%+v: %v, want %s: %v", q, names, want, err)
		}
	}
	if keys, err := b.Keys(t.Context()); err != nil || len(keys) != 1 || keys[0] != b.Key.Public() {
		t.Errorf("keys %q %v", keys, err)
	}
	other, err := statements.NewKey([]byte(strings.Repeat("b", statements.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	next := &statements.Book{Store: b.Store, Key: other} // the keys were lost
	if keys, err := next.Keys(t.Context()); err != nil || len(keys) != 2 || keys[0] != other.Public() || keys[1] != b.Key.Public() {
		t.Errorf("keys %q %v", keys, err)
	}
	made = closeAt(t, next, statements.ClosesAt(november.AddDate(0, 3, 0)))
	if len(made) != 2 || made[0].Previous != previous {
		t.Errorf("by another key: %+v", made)
	}
}

// TestTampered checks that a database that was changed with another program is noticed.
func TestTampered(t *testing.T) {
	for what, change := range map[string]string{
		"the amount":     `UPDATE statements SET amount = amount + 1`,
		"the note":       `UPDATE statements SET note = replace(note, '"calls":5', '"calls":6')`,
		"the ledger":     `UPDATE statement_lines SET lines = CAST(substr(lines, 1, length(lines) - 1) || x'07' AS BLOB)`,
		"a missing line": `DELETE FROM statement_lines`,
	} {
		db := openDB(t)
		b := newBook(t, db)
		count(t, db, addTenant(t, db, "acme", november), tokens.ID{1}, int32(november.Unix()/86400), tokens.Usage{{{Calls: 5, Records: 9}}})
		closeAt(t, b, statements.ClosesAt(november))
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			for _, trigger := range []string{"statements_are_not_changed", "statement_lines_are_not_changed", "statement_lines_are_not_deleted"} {
				if _, err := tx.Exec(`DROP TRIGGER ` + trigger); err != nil {
					return err
				}
			}
			_, err := tx.Exec(change)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := b.Statement(t.Context(), "acme", "2026-11")
		if err == nil {
			err = b.Lines(t.Context(), c, func(statements.Line) error { return nil })
		}
		if err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("%s was changed: %v", what, err)
		}
	}
}

// processorTime returns the time of the processors that this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestListed checks that a list has of each statement what its signed text has, whatever the name
// of the tenant is.
func TestListed(t *testing.T) {
	db := openDB(t)
	b := newBook(t, db)
	day := int32(november.Unix() / 86400)
	const all = 100
	for i := range all {
		name := fmt.Sprintf("t%d", i)
		added, err := db.AddTenant(t.Context(), tenants.Tenant{ClientID: name, Name: fmt.Sprintf("%d, \"name\":\"x\",\n\"month\":<é>", i), Status: tenants.Active, CreatedAt: november, Currency: "EUR"})
		if err != nil {
			t.Fatal(err)
		}
		count(t, db, added.Number, tokens.NewID("x", name), day, tokens.Usage{{{Calls: uint32(i + 1)}}})
	}
	closeAt(t, b, november.AddDate(0, 1, 2))
	for _, q := range []statements.Query{{Limit: 2 * all}, {Month: "2026-11", Limit: 3}, {AfterMonth: "2026-11", AfterTenant: "t50", Limit: 7}, {Owner: 1, Limit: 1}} {
		began := time.Now()
		verified, err := b.Store.Statements(t.Context(), q)
		middle := time.Now()
		listed, listErr := b.Store.Listed(t.Context(), q)
		if err != nil || listErr != nil || len(listed) != len(verified) || len(listed) == 0 {
			t.Fatalf("%+v: %d and %d, %v %v", q, len(listed), len(verified), err, listErr)
		}
		t.Logf("%d: %v verified, %v listed", len(listed), middle.Sub(began), time.Since(middle))
		for i, c := range verified {
			c.Note, c.Key, c.Root, c.Previous, c.Prices, c.Rows = "", "", "", "", nil, nil
			if got := listed[i]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c) {
				t.Errorf("listed %+v, want %+v", got, c)
			}
		}
	}
	closed := november.AddDate(0, 1, 2)
	for since, want := range map[time.Time]int{closed: all, closed.Add(time.Second): 0} {
		if found, err := b.ClosedSince(t.Context(), since); err != nil || len(found) != want {
			t.Errorf("since %s: %d statements, want %d: %v", since, len(found), want, err)
		}
	}
}

// TestLogIsBounded closes many months at once, and checks that the write-ahead log does not grow
// with their number: a reader that spans some months would prevent that it is overwritten.
func TestLogIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stile.db")
	db, err := sqlite.Open(t.Context(), file, sqlite.Options{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return november }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := newBook(t, db)
	const all, months = 40, 12
	for i := range all {
		number := addTenant(t, db, fmt.Sprintf("t%d", i), november)
		for m := range months {
			day := int32(november.AddDate(0, m, 0).Unix() / 86400)
			count(t, db, number, tokens.NewID("x", fmt.Sprint(i, m)), day, tokens.Usage{{{Calls: 5}}})
		}
	}
	if err := db.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	if made := closeAt(t, b, november.AddDate(0, 1, 2)); len(made) != all {
		t.Fatalf("%d statements", len(made))
	}
	one := size()
	if made := closeAt(t, b, november.AddDate(0, months, 2)); len(made) != all*(months-1) {
		t.Fatalf("%d statements", len(made))
	}
	t.Logf("the log has %d kB before, %d kB after a month, %d kB after %d months", before>>10, one>>10, size()>>10, months)
	if most := 2*one + 1<<20; size() > most {
		t.Errorf("the log has %d bytes after %d months, and %d after one", size(), months, one)
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"SlowReader":            TestSlowReader,
		"LawMonthEnd":           TestLawMonthEnd,
		"Immutable":             TestImmutable,
		"Interrupted":           TestInterrupted,
		"PriceChangedMeanwhile": TestPriceChangedMeanwhile,
		"RemovedAndAdded":       TestRemovedAndAdded,
		"AddedWhileClosing":     TestAddedWhileClosing,
		"Chain":                 TestChain,
		"Listed":                TestListed,
	})
}
