//go:build scale

package console_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/audit"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/content"
	"stile.example/stile/history"
	"stile.example/stile/operations"
	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// What the data directory of the measurement has.
const (
	manyTenants    = 1000
	manyRefusals   = 1_000_000
	manyTokens     = 100_000
	manyAudit      = 100_000 // entries of the audit log
	manyDeliveries = 100_000
	manyAdmins     = 200
	manyMonths     = 24 // with a statement of each tenant
	manyDays       = 60 // of history
)

// fill fills an empty data directory.
func fill(t *testing.T, s *consoletest.Site) {
	for _, part := range []struct {
		name string
		fn   func(*testing.T, *consoletest.Site)
	}{{"tenants", fillTenants}, {"items", fillItems}, {"refusals", fillRefusals}, {"tokens", fillTokens}, {"usage and statements", fillUsage},
		{"history", fillHistory}, {"evidence", fillEvidence}, {"audit log", fillAudit}, {"deliveries", fillDeliveries}, {"admins", fillAdmins}} {
		began := time.Now()
		part.fn(t, s)
		t.Logf("filled %s in %v", part.name, time.Since(began).Round(100*time.Millisecond))
	}
}

func fillTenants(t *testing.T, s *consoletest.Site) {
	created := s.Dir.Now().AddDate(0, -manyMonths-1, 0)
	for n := range manyTenants {
		_, err := s.Dir.Tenants.Add(t.Context(), tenants.Tenant{ClientID: fmt.Sprint("tenant", n), Name: fmt.Sprint("Tenant ", n), CreatedAt: created,
			Sites: []string{fmt.Sprintf("https://www.tenant%d.example", n)}, Prices: []tenants.Price{{Since: "2020-01-01", Micros: 2000}}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func fillItems(t *testing.T, s *consoletest.Site) {
	o, _ := operations.Find("content import")
	items := func(yield func(content.Item, error) bool) {
		for n := range 1000 {
			if !yield(content.Item{ID: fmt.Sprint("item", n), Collection: "recipes", Title: fmt.Sprint("Bread ", n)}, nil) {
				return
			}
		}
	}
	if _, err := o.Run(t.Context(), s.Dir, operations.Call{Actor: s.Caller().Actor, Input: []byte(`{}`), Items: items}); err != nil {
		t.Fatal(err)
	}
}

func fillRefusals(t *testing.T, s *consoletest.Site) {
	table, r, now := refusallog.New(s.Dir.Store.DB), rand.New(rand.NewPCG(1, 1)), s.Dir.Now()
	codes := []string{"token_expired", "token_hijacked", "challenge_required", "address_blocked", "client_mismatch", "proof_invalid"}
	some := make([]refusals.Refusal, 0, 640)
	for n := range manyRefusals {
		a := fmt.Sprintf("198.51.%d.0/24", r.IntN(200))
		f := refusals.Refusal{Ref: fmt.Sprintf("%04d-%04d", n/10000, n%10000), At: now.Add(-time.Duration(n) * 600 * time.Millisecond), Tenant: fmt.Sprint("tenant", r.IntN(8)), Code: codes[r.IntN(len(codes))],
			Rule: "spike.calls", Limit: 60, Seen: 61, Identity: fmt.Sprint("token ", n%manyTokens), Address: a, Observed: r.IntN(50) == 0, Token: tokenID(n % manyTokens)}
		if n%100_000 == 99_999 {
			f.Code = "internal"
		}
		if n == manyRefusals-1 { // the oldest is the only one of its kind
			f.Tenant, f.Address = "tenant8", "192.0.2.0/24"
		}
		if some = append(some, f); len(some) == cap(some) || n == manyRefusals-1 {
			if err := table.AddRefusals(t.Context(), some, refusals.Most); err != nil {
				t.Fatal(err)
			}
			some = some[:0]
		}
	}
}

func tokenID(n int) tokens.ID { return tokens.NewID("https://api.example", fmt.Sprint(n)) }

// fillTokens stores tokens, of which a tenth is dead, a third expired, and one in a thousand of
// tenant9, each bound to one of 50,000 addresses, of which some are crowded or blocked.
func fillTokens(t *testing.T, s *consoletest.Site) {
	now := s.Dir.Now()
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for n := w; n < manyTokens; n += 32 {
				if err := fillToken(t.Context(), s, n, now); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func fillToken(ctx context.Context, s *consoletest.Site, n int, now time.Time) error {
	name := fmt.Sprint("tenant", n%8)
	if n%1000 == 0 {
		name = "tenant9"
	}
	tenant, _ := s.Dir.TenantNumber(name)
	a := netip.AddrFrom4([4]byte{10, byte(n % 50_000 >> 8 >> 8), byte(n % 50_000 >> 8), byte(n)})
	issued := now.Unix() - int64(n%130_000)
	state := tokens.State{Tenant: tenant, IssuedAt: issued, Expires: issued + 86400, Bound: tokens.BindTo(a), BoundAfter: 5, Day: int32(now.Unix() / 86400)}
	if n%10 == 3 {
		state.Dead = tokens.Hijacked
	}
	state.Used[0][0] = tokens.Count{Calls: uint32(n % 100), Records: uint32(n % 1000)}
	if err := s.Dir.Store.Update(ctx, tokenID(n), func(tokens.State) tokens.State { return state }); err != nil {
		return err
	}
	times := 1
	if n%2000 == 0 {
		times = 60 // crowded
	}
	for range times {
		if _, err := s.Dir.Addresses.Apply(ctx, a, tenant, now, addresses.Bind{At: now, Records: 1}); err != nil {
			return err
		}
	}
	return nil
}

// execute runs a statement in a transaction.
func execute(t *testing.T, s *consoletest.Site, query string, args ...any) {
	t.Helper()
	err := s.Dir.Store.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Dir.Store.DB.Wrote(1 << 16) // so that the write-ahead log is copied into the file
}

// numbers is a table n(i) of the numbers from 0 up to ?1.
const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) `

// fillUsage adds what each tenant used on one day of each of the last months, and on every day of
// this month, and closes the months.
func fillUsage(t *testing.T, s *consoletest.Site) {
	now := s.Dir.Now().UTC()
	add := func(day time.Time) {
		execute(t, s, numbers+`INSERT INTO ledger (tenant, day, route, token, calls, records)
			SELECT number, ?2, i, CAST(printf('%08d%08d', number, ?2) AS BLOB), 1 + number % 7, number % 50 FROM tenants, n`, 2, day.Unix()/86400)
	}
	for m := 1; m <= manyMonths; m++ {
		add(time.Date(now.Year(), now.Month()-time.Month(m), 5, 0, 0, 0, 0, time.UTC))
	}
	for d := 1; d < now.Day(); d++ {
		add(time.Date(now.Year(), now.Month(), d, 0, 0, 0, 0, time.UTC))
	}
	made, err := s.Dir.Statements.CloseDue(t.Context(), now)
	if err != nil || len(made) < manyTenants*(manyMonths-1) {
		t.Fatalf("%d statements, %v", len(made), err)
	}
}

// fillHistory adds a busy history of each tenant, and of all together.
func fillHistory(t *testing.T, s *consoletest.Site) {
	now := s.Dir.Now()
	for step, points := range map[history.Step]int{history.Hour: manyDays * 24, history.Quarter: 2 * 24 * 4, history.Minute: 2 * 60} {
		length := time.Duration(step)
		for part := range 50 { // so that no transaction is long
			execute(t, s, numbers+`INSERT OR IGNORE INTO history (step, tenant, at, counts)
				SELECT ?2, tenant, ?3 + i * ?2, ?4 FROM (SELECT client_id AS tenant FROM tenants WHERE number % 50 = ?5 UNION SELECT ''), n`,
				points, int64(length.Seconds()), now.Truncate(length).Add(-time.Duration(points-1)*length).Unix(), counts(), part)
		}
	}
}

// counts returns the counts of a busy time, as they are stored.
func counts() string {
	all := []string{`"call item":812`, `"call items":911`, `"call related":13`, `"call collections":17`, `"binding address":31`, `"binding key":94`, `"gauge live":917`}
	for i, upTo := range []string{"100µs", "200µs", "350µs", "500µs", "750µs", "1ms", "1.5ms", "2ms", "3.5ms", "5ms", "7.5ms", "10ms", "20ms", "35ms", "50ms", "75ms", "100ms"} {
		all = append(all, fmt.Sprintf(`"latency %s":%d`, upTo, 700/(i+1)))
	}
	for _, code := range []string{"token_expired", "token_hijacked", "challenge_required", "address_blocked", "client_mismatch"} {
		all = append(all, `"refusal `+code+`":12`)
	}
	for _, result := range []string{"asked", "solved", "failed", "left_open"} {
		all = append(all, `"challenge work `+result+`":9`)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// fillEvidence adds what doctor counts of 30 days.
func fillEvidence(t *testing.T, s *consoletest.Site) {
	execute(t, s, numbers+`INSERT INTO evidence (tenant, day, kind, key, note, count, first, last, ref, few, many)
		SELECT number, ?2 - i, kind, key, '', 50, (?2 - i) * 86400, (?2 - i) * 86400 + 3600, '', x'', CASE kind WHEN 'bound' THEN zeroblob(1024) ELSE x'' END
		FROM tenants, n, (SELECT 'calls' AS kind, '' AS key UNION SELECT 'bound', '' UNION SELECT 'issued', '' UNION SELECT 'refused', 'token_expired'
			UNION SELECT 'refused', 'token_hijacked' UNION SELECT 'refused', 'client_mismatch sites' UNION SELECT 'page', 'https://other.example' UNION SELECT 'expired', 'hash 0123456789abcdef')`,
		30, s.Dir.Now().Unix()/86400)
}

func fillAudit(t *testing.T, s *consoletest.Site) {
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for n := range manyAudit / 32 {
				e := audit.Entry{At: s.Dir.Now(), Actor: fmt.Sprint("admin", n%5), Role: "operator", Credential: "password", Address: "198.51.100.7", Operation: []string{"tenant set", "address block", "token revoke"}[n%3],
					Subject: fmt.Sprint("tenant", n%50), Before: []byte(`{"name":"Before","calls_per_month":1000}`), After: []byte(`{"name":"After","calls_per_month":2000}`)}
				if _, err := s.Dir.Audit.Record(t.Context(), e); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// fillDeliveries adds a webhook with many deliveries, of which every hundredth has failed.
func fillDeliveries(t *testing.T, s *consoletest.Site) {
	now := s.Dir.Now().UnixMilli()
	execute(t, s, `INSERT INTO webhooks (id, url, events, tenant, enabled, disabled, secrets, created_at) VALUES ('`+webhook+`', 'https://ops.example/stile', '[]', '', 0, 'switched off', '[]', ?)`, now)
	execute(t, s, numbers+`INSERT INTO events (id, type, tenant, body)
		SELECT printf('evt_%d', i), CASE i % 3 WHEN 0 THEN 'tenant.quota' WHEN 1 THEN 'statement.closed' ELSE 'import.finished' END, 'tenant' || (i % 1000), '{"type":"tenant.quota","timestamp":"2026-11-27T12:00:00Z","data":{"tenant":"acme"}}' FROM n`, manyDeliveries)
	execute(t, s, numbers+`INSERT INTO deliveries (webhook, event, state, created_at, next_at, attempts, tries, replay_of)
		SELECT '`+webhook+`', printf('evt_%d', i), CASE i % 100 WHEN 0 THEN 'failed' ELSE 'delivered' END, ?2 - (?1 - i) * 1000, 0, 1, '[]', 0 FROM n`, manyDeliveries, now)
}

const webhook = "whk_000000000000"

// fillAdmins adds admins like the first one, with tokens and sessions.
func fillAdmins(t *testing.T, s *consoletest.Site) {
	now := s.Dir.Now().UnixMilli()
	execute(t, s, numbers+`INSERT INTO admins (name, role, password, must_change, handle, issuer, subject, created_at, last_sign_in)
		SELECT 'admin' || i, 'viewer', '', 0, randomblob(16), '', '', ?2, 0 FROM n`, manyAdmins, now)
	execute(t, s, numbers+`INSERT INTO admin_tokens (admin, name, role, hash, last_four, created_at, expires_at, last_used)
		SELECT number, 'token ' || i, 'viewer', randomblob(32), 'abcd', ?2, ?2 + 86400000, 0 FROM admins, n`, 5, now)
	execute(t, s, numbers+`INSERT INTO admin_sessions (admin, hash, credential, address, browser, created_at, seen_at)
		SELECT number, randomblob(32), 'password', '198.51.100.7', 'Firefox', ?2, ?2 FROM admins, n`, 5, now)
}

// quantile returns the time that a share of times does not exceed.
func quantile(took []time.Duration, share float64) time.Duration {
	slices.Sort(took)
	return took[min(len(took)-1, int(float64(len(took))*share))]
}
