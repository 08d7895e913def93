package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"stile.example/stile/audit"
	"stile.example/stile/refusals"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/tables/auditlog"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/tenants"
)

// TestAuditOfTwoNodes: entries that two nodes record at the same time form one chain.
func TestAuditOfTwoNodes(t *testing.T) {
	url := engines.Postgres(t)
	var logs []*audit.Log
	for range 2 {
		l, err := audit.NewLog(auditlog.Table{DB: openURL(t, url)}, []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, l)
	}
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			for range 20 {
				if _, err := logs[n%2].Record(context.Background(), audit.Entry{At: noon, Actor: fmt.Sprint(n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, l := range logs {
		if v, err := l.Verify(t.Context(), ""); err != nil || v.Entries != 400 || v.Wrong != 0 {
			t.Errorf("%+v %v", v, err)
		}
	}
}

// TestTenantNumbers: no number is given twice: not by two nodes, not after an addition that failed,
// and not after a tenant with a number was copied from elsewhere.
func TestTenantNumbers(t *testing.T) {
	url := engines.Postgres(t)
	dbs := []*DB{openURL(t, url), openURL(t, url)}
	var mu sync.Mutex
	used := map[uint32]string{}
	add := func(db *DB, name string) {
		got, err := db.AddTenant(context.Background(), tenants.Tenant{ClientID: name, Status: tenants.Active, CreatedAt: noon})
		if err != nil && !errors.Is(err, tenants.ErrExists) {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if other, isUsed := used[got.Number]; err == nil && isUsed {
			t.Errorf("%s has the number %d of %s", name, got.Number, other)
		}
		if err == nil {
			used[got.Number] = name
		}
	}
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			name := fmt.Sprint("t", n/2) // each twice, one of which fails
			add(dbs[n%2], name)
			if n%5 == 0 {
				if err := dbs[n%2].RemoveTenant(context.Background(), name); err != nil && !errors.Is(err, tenants.ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	err := dbs[0].Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO tenants (number, client_id, name, status, calls_per_month, created_at, sites, policy, secrets, prices, keys, currency)
			SELECT n, 'copied' || n, '', 'removed', 0, 0, '[]', '{}', '[]', '[]', '', '' FROM generate_series(900, 950) AS n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if add(dbs[1], "after"); used[951] != "after" {
		t.Errorf("the tenant after a copied one has another number than 951: %v", used)
	}
}

// TestRefusalsOfTwoNodes: a node that prunes counts the refusals of the others too.
func TestRefusalsOfTwoNodes(t *testing.T) {
	url := engines.Postgres(t)
	var tables []*refusallog.Table
	for range 2 {
		tables = append(tables, refusallog.New(openURL(t, url)))
	}
	for n := range 40 {
		r := refusals.Refusal{Ref: fmt.Sprintf("%04d", n), At: noon}
		if err := tables[n%2].AddRefusals(t.Context(), []refusals.Refusal{r}, 100); err != nil {
			t.Fatal(err)
		}
	}
	if err := tables[0].PruneRefusals(t.Context(), noon, 15); err != nil {
		t.Fatal(err)
	}
	list, err := tables[1].Refusals(t.Context(), refusals.Query{Limit: 100})
	if err != nil || len(list) != 15 || list[14].Ref != "0025" {
		t.Errorf("%d refusals are left: %v", len(list), err)
	}
}
