package postgres

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// tokenID returns the ID of the n-th token.
func tokenID(n int) (id tokens.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15) // spread, as hashes are
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// tokenRow returns a row of a token whose counts are all the same.
func tokenRow(n int, version uint64, calls int64) TokenRow {
	s := tokens.State{Tenant: 1, IssuedAt: noon.Unix(), Expires: noon.Unix() + 86400}
	r := RowOf(tokenID(n), version, s)
	r.Uses = []Use{{Day: 20513, Route: tokens.Items, Calls: calls, Records: 2 * calls}, {Day: 20514, Route: tokens.Item, Calls: calls, Records: calls}}
	return r
}

// checkSums checks that the sums of days are those of the ledger.
func checkSums(t testing.TB, db *DB) {
	t.Helper()
	n := count(t, db, `
		SELECT count(*) FROM
		(SELECT tenant, day, route, sum(calls) AS calls, sum(records) AS records FROM ledger GROUP BY tenant, day, route) AS l
		FULL JOIN ledger_days AS d USING (tenant, day, route)
		WHERE coalesce(l.calls, 0) <> coalesce(d.calls, 0) OR coalesce(l.records, 0) <> coalesce(d.records, 0)`)
	if n != 0 {
		t.Errorf("%d sums of days differ from the ledger", n)
	}
}

// TestTransferInAnyOrder: transfers that are late, repeated or out of order change nothing.
func TestTransferInAnyOrder(t *testing.T) {
	db := newDB(t)
	var all []TokenRow
	for n := range 20 {
		for version := range uint64(10) {
			r := tokenRow(n, version+1, int64(version)*int64(n))
			r.State = tokens.AppendState(nil, tokens.State{Tenant: 1, Hints: uint32(version) + 1})
			all = append(all, r)
		}
	}
	all = append(all, all...)
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for part := range slices.Chunk(all, 37) {
		if err := db.TransferTokens(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		checkSums(t, db)
	}
	var state []byte
	for n := range 20 {
		id := tokenID(n)
		if err := db.read.QueryRow(`SELECT state FROM tokens WHERE id = ?`, id[:]).Scan(&state); err != nil {
			t.Fatal(err)
		}
		if s, err := tokens.DecodeState(state); err != nil || s.Hints != 10 {
			t.Errorf("token %d has the state of version %d, %v", n, s.Hints, err)
		}
	}
	if n := count(t, db, `SELECT sum(calls) FROM ledger_days`); n != 2*9*190 {
		t.Errorf("%d calls, want %d", n, 2*9*190)
	}
}

// TestLargerTotalsWin: calls and records grow independently of each other.
func TestLargerTotalsWin(t *testing.T) {
	db := newDB(t)
	for version, use := range []Use{{Calls: 5, Records: 1}, {Calls: 1, Records: 9}, {Calls: 4, Records: 2}} {
		r := tokenRow(1, uint64(version+1), 0)
		r.Uses = []Use{use}
		if err := db.TransferTokens(t.Context(), []TokenRow{r}); err != nil {
			t.Fatal(err)
		}
	}
	if calls, records := count(t, db, `SELECT calls FROM ledger_days`), count(t, db, `SELECT records FROM ledger_days`); calls != 5 || records != 9 {
		t.Errorf("%d calls and %d records, want 5 and 9", calls, records)
	}
}

// TestTransfersOfNodes: four nodes transfer overlapping tokens at the same time, while one sweeps
// and others write. None fails, and the sums stay exact.
func TestTransfersOfNodes(t *testing.T) {
	url := engines.Postgres(t)
	var wg sync.WaitGroup
	var last *DB
	for node := range 4 {
		db := openURL(t, url)
		last = db
		wg.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(node)))
			for version := range uint64(12) {
				var some []TokenRow
				for range 100 {
					row := tokenRow(r.IntN(300), version*4+uint64(node)+1, int64(version))
					if r.IntN(4) == 0 {
						row.Expires = 1 // swept
					}
					some = append(some, row)
				}
				if err := db.TransferTokens(context.Background(), some); err != nil {
					t.Error(err)
				}
				if err := db.Sweep(context.Background(), noon); err != nil {
					t.Error(err)
				}
				if err := db.PutEntry(context.Background(), entry("192.0.2.0/24")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	checkSums(t, last)
	lines, err := last.Usage(t.Context(), "", "", "")
	again, err2 := last.Recount(t.Context())
	if err != nil || err2 != nil || !reflect.DeepEqual(lines, again) || len(lines) != 2 {
		t.Errorf("%+v, %v\nrecounted %+v, %v", lines, err, again, err2)
	}
}

// TestSumsFollowTheLedger: whatever changes the ledger changes the sums.
func TestSumsFollowTheLedger(t *testing.T) {
	db := newDB(t)
	for _, statement := range []string{
		`INSERT INTO ledger SELECT t, d, r, decode(lpad(to_hex(n), 32, '0'), 'hex'), n, 2 * n
			FROM generate_series(1, 3) t, generate_series(1, 3) d, generate_series(0, 2) r, generate_series(1, 5) n`,
		`UPDATE ledger SET calls = calls + 7 WHERE tenant = 1`,
		`UPDATE ledger SET day = day + 10 WHERE tenant = 2`,
		`DELETE FROM ledger WHERE tenant = 3 AND route = 1`,
		`UPDATE ledger SET tenant = tenant + 9, records = 1 WHERE day = 2`,
		`DELETE FROM ledger WHERE day = 1`,
		`INSERT INTO ledger SELECT tenant, day, route, token, 100, 100 FROM ledger
			ON CONFLICT (tenant, day, route, token) DO UPDATE SET calls = greatest(ledger.calls, excluded.calls)`,
		`TRUNCATE ledger`,
	} {
		err := db.Write(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(statement); return err })
		if err != nil {
			t.Fatal(statement, err)
		}
		checkSums(t, db)
	}
}

// TestUsageByName: the sums are read as the ledger has them, by name.
func TestUsageByName(t *testing.T) {
	db := newDB(t)
	for _, name := range []string{"b", "a"} {
		if _, err := db.AddTenant(t.Context(), tenants.Tenant{ClientID: name, Status: tenants.Active, CreatedAt: noon}); err != nil {
			t.Fatal(err)
		}
	}
	row := tokenRow(1, 1, 3)
	other := tokenRow(2, 1, 5)
	other.Tenant = 2
	if err := db.TransferTokens(t.Context(), []TokenRow{row, other}); err != nil {
		t.Fatal(err)
	}
	want := []usage.Line{{Tenant: "a", Day: "2026-03-01", Route: "items", Calls: 5, Records: 10}, {Tenant: "a", Day: "2026-03-02", Route: "item", Calls: 5, Records: 5}}
	got, err := db.Usage(t.Context(), "a", "", "")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTransferWaitsForNoWriter: a transaction of Write does not keep transfers waiting.
func TestTransferWaitsForNoWriter(t *testing.T) {
	db := newDB(t)
	err := db.Write(t.Context(), func(*sql.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := db.TransferTokens(ctx, []TokenRow{tokenRow(1, 1, 1)}); err != nil {
			return err
		}
		return db.TransferScopes(ctx, []ScopeRow{{Bits: 32, Version: 1, Forget: 1, State: addresses.AppendState(nil, addresses.State{Step: 1})}})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestScopesByVersion: a state that comes late does not replace a newer one, not even a removed
// one.
func TestScopesByVersion(t *testing.T) {
	db := newDB(t)
	of := addresses.Scope{Range: entry("192.0.2.0/24").Range, Tenant: 3}
	for _, step := range []struct {
		version uint64
		state   addresses.State
		want    int
	}{{2, addresses.State{Step: 2}, 2}, {1, addresses.State{Step: 1}, 2}, {4, addresses.State{}, 0}, {3, addresses.State{Step: 3}, 0}, {5, addresses.State{Step: 5}, 5}} {
		if err := db.TransferScopes(t.Context(), []ScopeRow{ScopeRowOf(of, step.version, step.state, noon)}); err != nil {
			t.Fatal(err)
		}
		got := 0
		err := db.EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) {
			if a != of {
				t.Errorf("a state of %v", a)
			}
			got = int(s.Step)
		})
		if err != nil || got != step.want {
			t.Errorf("after version %d: step %d, %v, want %d", step.version, got, err, step.want)
		}
	}
}

// BenchmarkTransfer transfers 1,000 tokens that have rows already.
func BenchmarkTransfer(b *testing.B) {
	db := newDB(b)
	for version := uint64(1); b.Loop(); version++ {
		some := make([]TokenRow, 1000)
		for n := range some {
			some[n] = tokenRow(n+int(version%20)*1000, version, int64(version))
		}
		if err := db.TransferTokens(b.Context(), some); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkTransferOfNodes transfers 1,000 tokens at a time from several nodes at once.
func BenchmarkTransferOfNodes(b *testing.B) {
	url := engines.Postgres(b)
	const nodes = 3
	var dbs []*DB
	for range nodes {
		dbs = append(dbs, openURL(b, url))
	}
	version := uint64(0)
	for b.Loop() {
		version++
		var wg sync.WaitGroup
		for node, db := range dbs {
			wg.Go(func() {
				some := make([]TokenRow, 1000)
				for n := range some {
					some[n] = tokenRow((node*20+int(version%20))*1000+n, version, int64(version))
				}
				if err := db.TransferTokens(context.Background(), some); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(1000*nodes*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

func BenchmarkWrite(b *testing.B) {
	db := newDB(b)
	for b.Loop() {
		if err := db.SetGeneration(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUsage reads the usage of 1,000 tenants on 60 days.
func BenchmarkUsage(b *testing.B) {
	db := newDB(b)
	err := inTx(b.Context(), db.transfer, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`INSERT INTO tenants (client_id, name, status, calls_per_month, created_at, sites, policy, secrets, prices, keys, currency)
				SELECT 'tenant-' || n, '', 'active', 0, 0, '[]', '{}', '[]', '[]', '', '' FROM generate_series(1, 1000) n`,
			`INSERT INTO ledger SELECT t, 20000 + d, r, decode(lpad('', 32, '0'), 'hex'), 100, 1000
				FROM generate_series(1, 1000) t, generate_series(1, 60) d, generate_series(0, 3) r`,
		} {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, tenant := range []string{"", "tenant-7"} {
		b.Run(fmt.Sprintf("of=%s", tenant), func(b *testing.B) {
			for b.Loop() {
				if _, err := db.Usage(b.Context(), tenant, "", ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
