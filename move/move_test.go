package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/audit"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/datadir"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/tables/corpustable"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

var quiet = slog.New(slog.DiscardHandler)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func settingsOf(t *testing.T, dir string) *settings.Settings {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": dir}})
	check(t, err)
	return s
}

// installation makes a data directory with rows in all tables, two generations of the corpus, and
// live tokens.
func installation(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	d, err := datadir.Open(t.Context(), settingsOf(t, dir), clock, quiet)
	check(t, err)
	_, secret := tenants.NewSecret(d.Keys.SecretKey())
	for _, id := range []string{"acme", "globe", "gone"} {
		_, err := d.Tenants.Add(t.Context(), tenants.Tenant{ClientID: id, Secrets: []tenants.Secret{secret}, CreatedAt: now})
		check(t, err)
		_, err = d.Audit.Record(t.Context(), audit.Entry{At: now, Actor: "anna", Operation: "tenant add", Subject: id})
		check(t, err)
	}
	for i := range 2 {
		_, err = d.Store.Import(t.Context(), imports.Options{}, func(yield func(content.Item, error) bool) {
			yield(content.Item{ID: fmt.Sprint("item-", i), Title: "An item"}, nil)
		})
		check(t, err)
	}
	for i := range 300 {
		id := tokens.ID{1, byte(i >> 8), byte(i)}
		check(t, d.Store.Update(t.Context(), id, func(tokens.State) tokens.State { return liveState(i) }))
	}
	for i := range 20 {
		check(t, d.Store.UpdateAddress(t.Context(), scope(i), func(addresses.State) addresses.State { return addresses.State{Until: now.Unix() + int64(i)} }))
	}
	fill(t, d)
	check(t, d.Close())
	check(t, os.Mkdir(filepath.Join(dir, "acme"), 0o700))
	for _, name := range certificates {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte("of "+name), 0o600))
	}
	return dir
}

var certificates = []string{"acme/acme_account+key", "acme/api.example"}

// liveState is the state of a token that has made i calls.
func liveState(i int) tokens.State {
	s := tokens.State{Tenant: uint32(1 + i%2), Day: int32(now.Unix() / 86400), IssuedAt: now.Unix() - 60, Expires: now.Unix() + 3600}
	s.Used[0][0] = tokens.Count{Calls: uint32(i), Records: uint32(2 * i)}
	return s
}

func scope(i int) addresses.Scope {
	return addresses.Scope{Range: netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), 32), Tenant: uint32(i % 2)}
}

// fill inserts rows into the tables that installation does not fill otherwise.
func fill(t *testing.T, d *datadir.Dir) {
	t.Helper()
	for _, p := range plans {
		if p.rows != copied {
			continue
		}
		check(t, d.Store.Write(t.Context(), func(tx *sql.Tx) error {
			var n int
			if err := tx.QueryRowContext(t.Context(), `SELECT count(*) FROM `+p.name).Scan(&n); err != nil || n > 0 {
				return err
			}
			columns, err := sqliteCatalog.columnsOf(t.Context(), tx, p.name)
			if err != nil {
				return err
			}
			in := newInserter(tx, p.name, columns, "")
			for i := 1; i <= 600; i++ {
				if err := in.add(t.Context(), synthetic(p.name, columns, i), 1); err != nil {
					return err
				}
			}
			return in.flush(t.Context())
		}))
	}
	// Its number must never be given again.
	check(t, d.Store.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `DELETE FROM tenants WHERE client_id = 'gone'`)
		return err
	}))
}

// synthetic returns a row of a table with texts and bytes that are hard to copy.
func synthetic(table string, columns []column, i int) []any {
	row := make([]any, len(columns))
	for n, c := range columns {
		switch c.kind {
		case integer:
			row[n] = int64(i)
		case text:
			row[n] = fmt.Sprintf("%s %d — naïve ? $1 '\\", c.name, i)
		case bytes:
			row[n] = []byte{byte(i), byte(i >> 8), 0, 0xff, '?', '\''}
		}
		switch {
		case table == "ledger" && c.name == "tenant":
			row[n] = int64(1 + i%2)
		case table == "ledger" && c.name == "route":
			row[n] = int64(i % 2)
		case table == "address_list" && c.name == "range":
			row[n] = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 32).String()
		case table == "address_list" && c.name == "kind":
			row[n] = "block"
		case table == "refusals" && c.name == "detail":
			row[n] = "not UTF-8: \xff, and NUL: \x00"
		case table == "refusals" && c.name == "token" && i%2 == 0, table == "idempotency" && c.name == "response" && i%2 == 0:
			row[n] = nil
		case c.name == "few":
			row[n] = []byte{}
		case table == "admin_tokens" && c.name == "admin", table == "admin_sessions" && c.name == "admin", table == "admin_passkeys" && c.name == "admin":
			row[n] = int64(1)
		}
	}
	return row
}

// memory has states in memory, and copies those of tokens to PostgreSQL.
// The engines of package states have tests of their own.
type memory struct {
	db     *postgres.DB
	mu     sync.Mutex
	tokens map[tokens.ID]tokens.State
	scopes map[addresses.Scope]addresses.State
	fail   int // which update fails; 0: none
	lose   bool
	hide   bool // Settle copies one state less
}

func (m *memory) Update(_ context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail--; m.fail == 0 {
		return errors.New("injected")
	}
	m.tokens[id] = fn(m.tokens[id])
	if m.lose && id == (tokens.ID{1, 0, 7}) {
		delete(m.tokens, id)
	}
	return nil
}

func (m *memory) UpdateAddress(_ context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scopes[a] = fn(m.scopes[a])
	return nil
}

func (m *memory) Clear(context.Context) error {
	clear(m.tokens)
	clear(m.scopes)
	return nil
}

func (m *memory) Settle(ctx context.Context) error {
	var all []postgres.TokenRow
	for id, s := range m.tokens {
		if m.hide && id == (tokens.ID{1, 0, 7}) {
			continue
		}
		r := postgres.TokenRow{ID: id, Version: 1, Tenant: s.Tenant, Expires: s.Expires, State: tokens.AppendState(nil, s)}
		for u := range s.Uses() {
			r.Uses = append(r.Uses, postgres.Use{Day: u.Day, Route: u.Route, Calls: int64(u.Calls), Records: int64(u.Records)})
		}
		all = append(all, r)
	}
	return m.db.TransferTokens(ctx, all)
}

// newTarget returns an empty target.
func newTarget(t *testing.T, url string) (*Target, *memory) {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Options{Log: quiet, Now: clock})
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	box, err := signing.NewBox(make([]byte, 32))
	check(t, err)
	states := &memory{db: db, tokens: map[tokens.ID]tokens.State{}, scopes: map[addresses.Scope]addresses.State{}}
	corpus := replica.New(replica.Options{Catalog: corpustable.Catalog{DB: db}, Chunks: corpustable.Chunks{DB: db, Now: clock}, Now: clock})
	return &Target{Place: "postgres://db/stile", DB: db, States: states, Corpus: corpus, Box: box}, states
}

func options(from string, to *Target) Options {
	return Options{From: from, Target: to, Now: clock, By: audit.Entry{Actor: "root", Role: "owner", Credential: "command line"}}
}

// TestPlans checks that each table of both stores is either copied with all its columns, or listed
// with the reason why not.
func TestPlans(t *testing.T) {
	dir := installation(t)
	src, err := openSource(t.Context(), dir, now)
	check(t, err)
	defer src.close()
	target, _ := newTarget(t, engines.Postgres(t))
	to := target.DB.Reader()
	all := map[string][2]bool{}
	for i, names := range [2][]string{tablesOf(t, sqliteCatalog, src.db), tablesOf(t, postgresCatalog, to)} {
		for _, name := range names {
			has := all[name]
			has[i] = true
			all[name] = has
		}
	}
	for name, has := range all {
		p, planned := planOf(name)
		switch {
		case !planned:
			t.Errorf("the table %s is neither copied nor left out for a reason", name)
		case p.rows != copied && p.why == "":
			t.Errorf("the table %s is not copied, and nobody says why", name)
		case p.rows == copied && has != [2]bool{true, true}:
			t.Errorf("the table %s is to be copied, but exists in SQLite: %t, PostgreSQL: %t", name, has[0], has[1])
		case p.rows == copied:
			a, err := sqliteCatalog.columnsOf(t.Context(), src.db, name)
			check(t, err)
			b, err := postgresCatalog.columnsOf(t.Context(), to, name)
			check(t, err)
			if !slices.Equal(a, b) {
				t.Errorf("the columns of %s differ: SQLite %v, PostgreSQL %v", name, a, b)
			}
			var n int
			check(t, src.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+name).Scan(&n))
			if n == 0 {
				t.Errorf("the test copies no row of %s", name)
			}
		}
	}
	for _, p := range plans {
		if _, exists := all[p.name]; !exists {
			t.Errorf("there is no table %s", p.name)
		}
	}
}

func tablesOf(t *testing.T, c catalog, db *sql.DB) []string {
	t.Helper()
	names, err := c.tablesOf(t.Context(), db)
	check(t, err)
	if len(names) < 20 {
		t.Fatalf("only the tables %v", names)
	}
	return names
}

func TestMove(t *testing.T) {
	dir := installation(t)
	target, states := newTarget(t, engines.Postgres(t))
	r, err := Run(t.Context(), options(dir, target))
	check(t, err)
	if len(r.Parts) < 25 || r.Already || r.To != "postgres://db/stile" {
		t.Errorf("%+v", r)
	}
	for _, p := range r.Parts {
		if p.Source == 0 || p.Source != p.Target || !p.Same {
			t.Errorf("%+v", p)
		}
	}
	for i := range 300 {
		if got := states.tokens[tokens.ID{1, byte(i >> 8), byte(i)}]; got != liveState(i) {
			t.Fatalf("token %d is %+v", i, got)
		}
	}
	if len(states.scopes) != 20 || states.scopes[scope(7)].Until != now.Unix()+7 {
		t.Errorf("%d scopes", len(states.scopes))
	}
	db := target.DB.Reader()
	for _, name := range certificates {
		var sealed []byte
		check(t, db.QueryRowContext(t.Context(), `SELECT value FROM sealed WHERE name = ?`, name).Scan(&sealed))
		if data, err := target.Box.Open(name, sealed); string(data) != "of "+name || err != nil {
			t.Errorf("%s is %q, %v", name, data, err)
		}
	}
	var calls, number int64
	check(t, db.QueryRowContext(t.Context(), `SELECT sum(calls)::bigint FROM ledger`).Scan(&calls))
	if want := int64(299*300/2 + 600*601/2); calls != want {
		t.Errorf("%d calls, and %d were made", calls, want)
	}
	check(t, target.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO tenants (client_id, name, status, calls_per_month, created_at, sites, policy, secrets, prices, keys, currency)
			VALUES ('new', '', 'active', 0, 0, '', '', '', '', '', '')`)
		return err
	}))
	check(t, db.QueryRowContext(t.Context(), `SELECT number FROM tenants WHERE client_id = 'new'`).Scan(&number))
	if number != 4 {
		t.Errorf("a new tenant gets the number %d: 3 was that of a tenant that is gone", number)
	}
	if err := moved.CheckIncoming(t.Context(), target.DB.(*postgres.DB)); err != nil {
		t.Error(err)
	}
	if _, err := datadir.OpenExisting(t.Context(), settingsOf(t, dir), clock, quiet); !errors.Is(err, moved.ErrMoved) {
		t.Errorf("the source can be served: %v", err)
	}
	// Again: nothing happens.
	r, err = Run(t.Context(), options(dir, target))
	if err != nil || !r.Already || len(r.Parts) != 0 {
		t.Errorf("the second move: %+v, %v", r, err)
	}
}

// TestMoveOfThePreviousGeneration checks that the last import can be undone after the move.
func TestMoveOfThePreviousGeneration(t *testing.T) {
	target, _ := newTarget(t, engines.Postgres(t))
	_, err := Run(t.Context(), options(installation(t), target))
	check(t, err)
	present, err := target.Corpus.Catalog.Present(t.Context())
	check(t, err)
	m, err := target.Corpus.Catalog.Manifest(t.Context(), present.Undo)
	if present.Generation != 2 || present.Undo != 1 || err != nil || m.Size == 0 {
		t.Errorf("%+v %v", present, err)
	}
}

// TestMoveIsRepeated interrupts moves at many points, serves the source in between, and completes
// the move. Nothing is doubled.
func TestMoveIsRepeated(t *testing.T) {
	dir := installation(t)
	target, states := newTarget(t, engines.Postgres(t))
	points := 0
	for stop := 1; ; stop += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		o := options(dir, target)
		seen := 0
		o.Progress = func(string, int64) {
			if seen++; seen == stop {
				cancel()
			}
		}
		_, err := Run(ctx, o)
		cancel()
		if err == nil {
			break
		}
		if points++; !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at point %d: %v", stop, err)
		}
		if err := moved.CheckIncoming(t.Context(), target.DB.(*postgres.DB)); seen > 1 && !errors.Is(err, moved.ErrIncomplete) {
			t.Fatalf("stopped at point %d: nodes can start: %v", stop, err)
		}
		if points%5 == 1 {
			d, err := datadir.Open(t.Context(), settingsOf(t, dir), clock, quiet)
			check(t, err)
			check(t, d.Store.Update(t.Context(), tokens.ID{1, 0, 5}, func(s tokens.State) tokens.State { s.Used[0][0].Calls++; return s }))
			check(t, d.Close())
		}
	}
	if points < 8 {
		t.Errorf("only %d points, which is too few", points)
	}
	var calls int64
	check(t, target.DB.Reader().QueryRowContext(t.Context(), `SELECT sum(calls)::bigint FROM ledger`).Scan(&calls))
	served := int64((points + 4) / 5)
	if want := int64(299*300/2+600*601/2) + served; calls != want {
		t.Errorf("%d calls, and %d were made", calls, want)
	}
	if got := states.tokens[tokens.ID{1, 0, 5}].Used[0][0].Calls; int64(got) != 5+served {
		t.Errorf("a token has %d calls", got)
	}
}

// TestMoveRefuses checks the targets and sources that a move must not touch.
func TestMoveRefuses(t *testing.T) {
	dir := installation(t)
	refused := func(o Options, want string) {
		t.Helper()
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not: %s", err, want)
		}
	}
	target, states := newTarget(t, engines.Postgres(t))

	d, err := datadir.Open(t.Context(), settingsOf(t, dir), clock, quiet)
	check(t, err)
	refused(options(dir, target), "is open in another process")
	check(t, d.Close())

	states.lose = true
	refused(options(dir, target), ErrDiffers.Error()+": states of tokens (300 and 299)")
	states.lose, states.hide = false, true
	refused(options(dir, target), "tokens in lists (300 and 299)")
	states.hide, states.fail = false, 500
	refused(options(dir, target), "injected")

	other := installation(t)
	refused(options(other, target), "belongs to another installation")
	_, err = Run(t.Context(), options(dir, target))
	check(t, err)
	refused(options(other, target), "belongs to another installation")
	elsewhere, _ := newTarget(t, engines.Postgres(t))
	elsewhere.Place = "postgres://elsewhere/stile"
	refused(options(dir, elsewhere), "was moved to postgres://db/stile")

	check(t, elsewhere.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO identity (name, value) VALUES ('secret_key', 'of a node')`)
		return err
	}))
	refused(options(other, elsewhere), "belongs to another installation, such as that of a node")

	shared, _ := newTarget(t, engines.Postgres(t))
	check(t, shared.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `CREATE TABLE orders (id bigint)`)
		return err
	}))
	refused(options(other, shared), "tables of another program (1, such as orders): create a database for stile alone")

	_, _, err = datadir.UseMoved(dir)
	check(t, err)
	d, err = datadir.Open(t.Context(), settingsOf(t, dir), clock, quiet)
	check(t, err)
	check(t, d.Store.Update(t.Context(), tokens.ID{9}, func(tokens.State) tokens.State { return liveState(9) }))
	check(t, d.Close())
	refused(options(dir, target), "has changed since")
}

// TestMoveRefusesSources checks sources that can't be moved as they are.
func TestMoveRefusesSources(t *testing.T) {
	other := installation(t)
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"other keys": {func(dir string) error {
			b, err := os.ReadFile(filepath.Join(other, "keys.json"))
			return errors.Join(err, os.WriteFile(filepath.Join(dir, "keys.json"), b, 0o600))
		}, "belongs to another database"},
		"older":     {execute(`DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)`), "written by an older version of stile: start this version"},
		"newer":     {execute(`INSERT INTO migrations (name) VALUES ('migration/9999_future.sql')`), "9999_future.sql, which this program does not know"},
		"NUL":       {execute(`UPDATE tenants SET name = 'a' || char(0)`), "copy tenants: a text is not UTF-8, or contains NUL"},
		"not UTF-8": {execute(`UPDATE tenants SET name = CAST(x'61ff' AS TEXT)`), "copy tenants: a text is not UTF-8, or contains NUL"},
	} {
		dir := installation(t)
		check(t, c.damage(dir))
		target, _ := newTarget(t, engines.Postgres(t))
		if _, err := Run(t.Context(), options(dir, target)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, and not: %s", name, err, c.want)
		}
		if _, isMoved, err := moved.To(dir); isMoved || err != nil {
			t.Errorf("%s: the source is marked: %v", name, err)
		}
	}
}

// execute returns a function that executes a statement in the database of a directory.
func execute(statement string) func(dir string) error {
	return func(dir string) error {
		db, err := sql.Open("sqlite3", filepath.Join(dir, "stile.db"))
		if err != nil {
			return err
		}
		_, err = db.Exec(statement)
		return errors.Join(err, db.Close())
	}
}

// TestMoveIsNotFirst checks that a node that stores its keys after the target was checked, and
// before it is claimed, keeps its database.
func TestMoveIsNotFirst(t *testing.T) {
	target, _ := newTarget(t, engines.Postgres(t))
	src, err := openSource(t.Context(), installation(t), now)
	check(t, err)
	defer src.close()
	m := &mover{Options: options(src.dir, target), source: src}
	_, err = m.checkTarget(t.Context(), target.DB.Reader())
	check(t, err)
	check(t, target.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO sealed (name, value, key, changed) VALUES ('keys', '', '', 0)`)
		return err
	}))
	if err := m.claim(t.Context()); err == nil || !strings.Contains(err.Error(), "belongs to another installation, such as that of a node") {
		t.Error(err)
	}
	if _, exists, err := readMove(t.Context(), target.DB.Reader()); exists || err != nil {
		t.Errorf("it is claimed: %v", err)
	}
}

// TestMoveComparesWhatItCopied changes a row in the target during a move.
func TestMoveComparesWhatItCopied(t *testing.T) {
	target, _ := newTarget(t, engines.Postgres(t))
	check(t, target.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `
			CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$`)
		if err == nil {
			_, err = tx.ExecContext(t.Context(), `CREATE TRIGGER change BEFORE INSERT ON statements FOR EACH ROW EXECUTE FUNCTION change()`)
		}
		return err
	}))
	_, err := Run(t.Context(), options(installation(t), target))
	if !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "statements (600 and 600)") {
		t.Error(err)
	}
	if err := moved.CheckIncoming(t.Context(), target.DB.(*postgres.DB)); !errors.Is(err, moved.ErrIncomplete) {
		t.Error(err)
	}
}

// TestDryRun checks that a trial changes nothing.
func TestDryRun(t *testing.T) {
	dir := installation(t)
	target, states := newTarget(t, engines.Postgres(t))
	o := options(dir, target)
	o.DryRun = true
	r, err := Run(t.Context(), o)
	if err != nil || !r.DryRun || len(r.Parts) < 20 || len(states.tokens) > 0 {
		t.Errorf("%+v %v", r, err)
	}
	if state, exists, err := readMove(t.Context(), target.DB.Reader()); exists || err != nil {
		t.Errorf("%+v %v", state, err)
	}
	if d, err := datadir.OpenExisting(t.Context(), settingsOf(t, dir), clock, quiet); err != nil || d.Close() != nil {
		t.Error(err)
	}
}
