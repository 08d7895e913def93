package datadir

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/nodes"
	"stile.example/stile/statements"
	"stile.example/stile/store/postgres"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

// exec executes statements in the database of a site, which gets its tables if it has none.
func (s *site) exec(statements ...string) {
	s.t.Helper()
	db, err := postgres.Open(s.t.Context(), s.postgres, postgres.Options{Log: quiet, Now: time.Now})
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		err := db.Write(s.t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(s.t.Context(), statement)
			return err
		})
		if err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
	}
}

const beginMove = `INSERT INTO identity (name, value) VALUES ('move', '{"installation": "another"}')`

// TestNodeWaitsForMove checks that no node starts on a database to which a move is not complete,
// also if the move begins while the node starts.
func TestNodeWaitsForMove(t *testing.T) {
	for name, statements := range map[string][]string{
		"before": {beginMove},
		"while it starts": {
			`CREATE FUNCTION begin_move() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN ` + beginMove + `; RETURN NULL; END $f$`,
			`CREATE TRIGGER begin_move AFTER INSERT ON nodes FOR EACH STATEMENT EXECUTE FUNCTION begin_move()`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.exec(statements...)
			if _, err := Open(t.Context(), s.settings("a"), time.Now, quiet); !errors.Is(err, moved.ErrIncomplete) {
				t.Error(err)
			}
			if _, err := OpenExisting(t.Context(), s.settings("a"), time.Now, quiet); !errors.Is(err, moved.ErrIncomplete) && name == "before" {
				t.Errorf("a command says something else: %v", err)
			}
			p, err := Peek(t.Context(), s.settings("a"), time.Now)
			if err != nil || p.HasKeys || len(p.Live) > 0 || !errors.Is(p.Incomplete, moved.ErrIncomplete) && name == "before" {
				t.Errorf("the node has left something: %+v, %v", p, err)
			}
		})
	}
}

// TestLookingCreatesNothing checks that commands that only look neither make keys nor leave a node.
func TestLookingCreatesNothing(t *testing.T) {
	s := newSite(t)
	if p, err := Peek(t.Context(), s.settings("a"), time.Now); err != nil || !p.IsNew || p.Unverified || p.Version == "" || p.Clock.Abs() > WarnClock {
		t.Errorf("a new database: %+v, %v", p, err)
	}
	if p, err := Peek(t.Context(), s.settings("a"), time.Now); err != nil || !p.IsNew {
		t.Errorf("a look has created something: %+v, %v", p, err)
	}
	if _, err := OpenExisting(t.Context(), s.settings("a"), time.Now, quiet); !errors.Is(err, ErrNoData) {
		t.Errorf("keys are made by looking: %v", err)
	}
	if p, err := Peek(t.Context(), s.settings("a"), time.Now); err != nil || p.IsNew || p.HasKeys || len(p.Live) > 0 {
		t.Errorf("looking has left something: %+v, %v", p, err)
	}
	a := s.node("a")
	p, err := Peek(t.Context(), s.settings("b", "STILE_POLICY_TOKEN_CALLS=123"), time.Now)
	if err != nil || !p.HasKeys || p.KeyProblem != nil || p.Incomplete != nil || !slices.Equal(p.Live, []string{"a"}) {
		t.Errorf("%+v, %v", p, err)
	}
	if len(p.Differences) != 1 || p.Differences[0].Setting != "policy.token.calls" {
		t.Errorf("differences: %+v", p.Differences)
	}
	s.setKeys(strings.Repeat("0b", 32))
	if p, err := Peek(t.Context(), s.settings("b"), time.Now); err != nil || p.KeyProblem == nil {
		t.Errorf("keys that can't be decrypted: %+v, %v", p, err)
	}
	if _, err := a.SealedValue(t.Context(), sealedKeys); err != nil {
		t.Errorf("the node lost its key: %v", err)
	}
	s.exec(`DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)`)
	if p, err := Peek(t.Context(), s.settings("b"), time.Now); err != nil || !p.IsOld || p.HasKeys {
		t.Errorf("an older database: %+v, %v", p, err)
	}
}

// TestInterruptedMigration checks what is said of a database that lacks tables because its first
// start, or a move to it, was interrupted: it has no data of an older version.
func TestInterruptedMigration(t *testing.T) {
	interrupt := `DELETE FROM migrations WHERE name > '0001_core.sql'`
	start, move := newSite(t), newSite(t)
	start.exec(interrupt)
	if p, err := Peek(t.Context(), start.settings("a"), time.Now); err != nil || !p.IsNew || p.IsOld || p.Incomplete != nil {
		t.Errorf("an interrupted start: %+v, %v", p, err)
	}
	move.exec(beginMove, interrupt)
	if p, err := Peek(t.Context(), move.settings("a"), time.Now); err != nil || p.IsOld || !errors.Is(p.Incomplete, moved.ErrIncomplete) {
		t.Errorf("an interrupted move: %+v, %v", p, err)
	}
}

// TestLostKeys checks that nodes make no new keys for tenants that have secrets by the old ones,
// and don't use keys that belong to other tenants.
func TestLostKeys(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	if _, err := a.Tenants.Add(t.Context(), tenants.Tenant{ClientID: "acme", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	other := newSite(t)
	o := other.node("o")
	value, err := o.sealed.Read(t.Context(), sealedKeys)
	if err != nil {
		t.Fatal(err)
	}
	s.exec(fmt.Sprintf(`UPDATE sealed SET value = '\x%x' WHERE name = 'keys'`, value.Data))
	if _, err := Open(t.Context(), s.settings("b"), time.Now, quiet); err == nil || !strings.Contains(err.Error(), "belong to another installation") {
		t.Errorf("keys of another installation: %v", err)
	}
	s.exec(`DELETE FROM sealed`)
	if _, err := Open(t.Context(), s.settings("b"), time.Now, quiet); err == nil || !strings.Contains(err.Error(), "the row 'keys' of the table sealed is missing") {
		t.Errorf("lost keys: %v", err)
	}
}

// TestSealedValues checks that values are encrypted under their names, bounded, and that an error
// names the one that can't be read.
func TestSealedValues(t *testing.T) {
	a := newSite(t).node("a")
	ctx := t.Context()
	if err := a.PutSealed(ctx, "acme/x", make([]byte, MaxSealed+1)); err == nil {
		t.Error("a value that is too large is stored")
	}
	if err := a.PutSealed(ctx, "acme/x", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	v, err := a.sealed.Read(ctx, "acme/x")
	if err != nil || strings.Contains(string(v.Data), "secret") {
		t.Errorf("%q, %v", v.Data, err)
	}
	if got, err := a.SealedValue(ctx, "acme/x"); string(got) != "secret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_, err = a.Store.Shared.Postgres.Single().ExecContext(ctx, `UPDATE sealed SET name = 'acme/y' WHERE name = 'acme/x'`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SealedValue(ctx, "acme/y"); !errors.Is(err, signing.ErrBox) || !strings.Contains(err.Error(), "acme/y in the table sealed") {
		t.Errorf("a value under another name: %v", err)
	}
	if got, err := a.SealedValue(ctx, "acme/x"); got != nil || err != nil {
		t.Errorf("a value that is gone: %q, %v", got, err)
	}
}

// TestRotationWaits checks that a new key does not sign while a node that lives does not know it.
func TestRotationWaits(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	old := a.Keys.Set().Signing().KID()
	b.Nodes.Pause() // it hears nothing, and counts as live for some seconds
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second/2)
	defer cancel()
	_, err := a.RotateKey(ctx, signing.ES256)
	if err == nil || !strings.Contains(err.Error(), "the new key does not sign yet") {
		t.Error(err)
	}
	if got := a.Keys.Set().Signing().KID(); got != old {
		t.Error("a key signs that another node does not know")
	}
}

// TestCompleteRotation checks that a node completes a rotation that another began before it died,
// and leaves one alone that has just begun.
func TestCompleteRotation(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	old := a.Keys.Set().Signing().KID()
	var announced signing.KeyInfo
	announce := func(at time.Time) {
		t.Helper()
		err := a.updateKeys(t.Context(), func(set *signing.Set) (next *signing.Set, err error) {
			next, announced, err = set.Announce(signing.ES256, at)
			return next, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	announce(time.Now())
	if err := a.CompleteRotation(t.Context()); err != nil || a.Keys.Set().Signing().KID() != old {
		t.Errorf("a rotation that has just begun is completed: %v", err)
	}
	announce(time.Now().Add(-2 * keysWithin))
	if err := a.CompleteRotation(t.Context()); err != nil || a.Keys.Set().Signing().KID() != announced.KID {
		t.Errorf("a rotation of a dead node is not completed: %v", err)
	}
}

func TestCheckClock(t *testing.T) {
	for ahead, refused := range map[time.Duration]bool{
		0: false, 3 * time.Second: false, -MaxClock: false, MaxClock + time.Millisecond: true, -MaxClock - time.Millisecond: true,
	} {
		if err := checkClock(ahead, quiet); (err != nil) != refused {
			t.Errorf("%s: %v", ahead, err)
		}
	}
}

// count stores the state of a token that has made calls on a day.
func count(t *testing.T, d *Dir, id byte, tenant uint32, day time.Time, calls uint32) {
	t.Helper()
	err := d.Store.Update(t.Context(), tokens.ID{id}, func(s tokens.State) tokens.State {
		s.Tenant, s.Day, s.IssuedAt, s.Expires = tenant, int32(day.Unix()/86400), day.Unix(), time.Now().Add(time.Hour).Unix()
		s.Used[0][tokens.Items] = tokens.Count{Calls: calls, Records: 2 * calls}
		return s
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNodesCloseMonths closes a month on two nodes at the same time. There is one statement, with
// what both nodes have counted, and its lines and sums agree.
func TestNodesCloseMonths(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	ctx := t.Context()
	now := time.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -2, 0)
	acme, err := a.Tenants.Add(ctx, tenants.Tenant{ClientID: "acme", Status: tenants.Active, CreatedAt: month})
	if err != nil {
		t.Fatal(err)
	}
	count(t, a, 1, acme.Number, month.AddDate(0, 0, 3), 7)
	if err := a.Store.Shared.States.Settle(ctx); err != nil { // so that the month is known to be due
		t.Fatal(err)
	}
	count(t, b, 2, acme.Number, month.AddDate(0, 0, 4), 5)
	var mu sync.Mutex
	var made []statements.Statement
	var closing sync.WaitGroup
	for _, d := range []*Dir{a, b, a, b} {
		closing.Go(func() {
			some, err := d.CloseDue(context.WithoutCancel(ctx))
			mu.Lock()
			defer mu.Unlock()
			if made = append(made, some...); err != nil {
				t.Error(err)
			}
		})
	}
	closing.Wait()
	var calls []int64
	for _, st := range made {
		if st.Month == month.Format("2006-01") {
			calls = append(calls, st.Calls)
		}
	}
	if !slices.Equal(calls, []int64{12}) {
		t.Errorf("statements of %s with the calls %v", month.Format("2006-01"), calls)
	}
	r, err := a.Inspect(ctx, func(string, int64) {})
	if err != nil || len(r.Findings) > 0 || r.Checked["statements"] == 0 || r.Checked["ledger"] != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	s.exec(`UPDATE ledger_days SET calls = calls - 1`)
	if r, err := b.Inspect(ctx, func(string, int64) {}); err != nil || len(r.Findings) != 1 || r.Findings[0].Check != "ledger" {
		t.Errorf("sums that are too small: %+v, %v", r, err)
	}
	s.exec(`UPDATE ledger_days SET calls = calls + 2`)
	if r, err := b.Inspect(ctx, func(string, int64) {}); err != nil || len(r.Findings) != 1 || r.Findings[0].Check != "ledger" {
		t.Errorf("sums that are too large: %+v, %v", r, err)
	}
}

// TestLeaveKeepsRow checks that a node that can't copy what it counted stays among the nodes, so
// that others copy it.
func TestLeaveKeepsRow(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	ends, err := Open(t.Context(), s.settings("ends"), time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	count(t, ends, 1, 1, time.Now(), 7)
	s.exec(`ALTER TABLE ledger RENAME TO hidden`)
	if err := ends.Close(); err == nil || !strings.Contains(err.Error(), "copy what this node counted") {
		t.Errorf("it ended without copying: %v", err)
	}
	s.exec(`ALTER TABLE hidden RENAME TO ledger`)
	list, err := a.Nodes.List(t.Context())
	if err != nil || !slices.ContainsFunc(list, func(r nodes.Row) bool { return r.Name == "ends" && !r.Scanned }) {
		t.Errorf("nobody knows that it has counted: %+v, %v", list, err)
	}
}

// TestBlocksWait checks that blocks by rules that can't be stored are stored with the next one, and
// that thousands are stored together.
func TestBlocksWait(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	s.exec(`ALTER TABLE blocks RENAME TO hidden`)
	until := time.Now().Add(time.Hour).Unix()
	scopeOf := func(i int) addresses.Scope {
		return addresses.OfAll(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}))
	}
	for i := range 3000 {
		a.blocks.note(scopeOf(i), until)
	}
	a.blocks.write(t.Context())
	s.exec(`ALTER TABLE hidden RENAME TO blocks`)
	a.blocks.write(t.Context())
	all, err := a.blocks.table.Since(t.Context(), 0)
	if err != nil || len(all) != 3000 {
		t.Errorf("%d blocks are stored, %v", len(all), err)
	}
	for _, b := range all {
		if b.Until != until || b.Scope.Range.Bits() != 32 || b.Number == 0 {
			t.Fatalf("%+v", b)
		}
	}
	a.blocks.mu.Lock()
	defer a.blocks.mu.Unlock()
	if n := len(a.blocks.pending); n > 0 {
		t.Errorf("%d blocks still wait", n)
	}
}

// TestNodesHaveDirectories checks that two nodes can't use one directory: each has its own copy of
// the corpus.
func TestNodesHaveDirectories(t *testing.T) {
	s := newSite(t)
	set := s.settings("a")
	a, err := Open(t.Context(), set, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), set, time.Now, quiet); !errors.Is(err, ErrHeld) {
		t.Errorf("two nodes have one directory: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := s.node("b").Nodes.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("a node that ended is among the nodes: %+v, %v", list, err)
	}
}

// TestScanDead checks that another node copies once what a killed one has counted.
func TestScanDead(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	// It never serves, so that it copies nothing.
	killed, err := Open(t.Context(), s.settings("killed"), time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	acme, err := a.Tenants.Add(t.Context(), tenants.Tenant{ClientID: "acme", Status: tenants.Active, CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	killed.Nodes.Pause()
	count(t, killed, 1, acme.Number, time.Now(), 7)
	s.exec(`UPDATE nodes SET seen = seen - 60000 WHERE name = 'killed'`)
	used := func(want int64) {
		t.Helper()
		var calls int64
		lines, err := a.Store.Usage(t.Context(), "acme", "", "")
		for _, l := range lines {
			calls += l.Calls
		}
		if err != nil || calls != want {
			t.Errorf("%d calls, want %d, %v", calls, want, err)
		}
	}
	used(0)
	for range 2 {
		if err := a.ScanDead(t.Context()); err != nil {
			t.Fatal(err)
		}
		used(7)
	}
	list, err := a.Nodes.List(t.Context())
	if i := slices.IndexFunc(list, func(r nodes.Row) bool { return r.Name == "killed" }); err != nil || i < 0 || !list[i].Scanned {
		t.Errorf("%+v, %v", list, err)
	}
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}
	used(7)
}
