package repeats

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/idempotency"
	"stile.example/stile/store/storetest/newdb"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func newRequests(t *testing.T, table Table) *idempotency.Requests {
	t.Helper()
	r, err := idempotency.New([]byte("the server's secret key, 32 bytes"), table)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newTable(t *testing.T) Table {
	t.Helper()
	return Table{newdb.Open(t, time.Now)}
}

// TestRequests checks every outcome of a request with a key.
func TestRequests(t *testing.T) {
	table := newTable(t)
	r := newRequests(t, table)
	begin := func(r *idempotency.Requests, at time.Time, actor, key string, request ...string) (idempotency.Outcome, [sha256.Size]byte, []byte) {
		t.Helper()
		o, id, response, err := r.Begin(t.Context(), at, actor, key, request...)
		if err != nil {
			t.Fatal(err)
		}
		return o, id, response
	}
	check := func(what string, got, want idempotency.Outcome) {
		t.Helper()
		if got != want {
			t.Errorf("%s: outcome %d, want %d", what, got, want)
		}
	}
	o, id, _ := begin(r, noon, "ada", "k", "POST", "/tenants", "body")
	check("a new key", o, idempotency.Begun)
	o, _, _ = begin(r, noon, "ada", "k", "POST", "/tenants", "body")
	check("before the end", o, idempotency.InProgress)
	o, _, _ = begin(newRequests(t, table), noon, "ada", "k", "POST", "/tenants", "body")
	check("after a restart", o, idempotency.Interrupted)
	if err := r.End(t.Context(), id, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	o, _, response := begin(newRequests(t, table), noon.Add(time.Hour), "ada", "k", "POST", "/tenants", "body")
	if check("a repetition", o, idempotency.Repeated); string(response) != "secret" {
		t.Errorf("response %q", response)
	}
	for _, other := range [][]string{{"POST", "/tenants", "body2"}, {"POST", "/tenantsb", "ody"}, {"POST", "/tenants"}} {
		o, _, _ = begin(r, noon, "ada", "k", other...)
		check(strings.Join(other, " "), o, idempotency.Reused)
	}
	o, _, _ = begin(r, noon, "bob", "k", "POST", "/tenants", "body")
	check("another actor", o, idempotency.Begun)
	o, id, _ = begin(r, noon.Add(idempotency.Lasts+time.Second), "ada", "k", "POST", "/other")
	check("a day later", o, idempotency.Begun)
	if err := r.Forget(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	o, id, _ = begin(r, noon.Add(idempotency.Lasts+time.Second), "ada", "k", "POST", "/other")
	check("after a fault", o, idempotency.Begun)
	if err := r.End(t.Context(), id, make([]byte, idempotency.MaxResponse+1)); err != nil {
		t.Fatal(err)
	}
	o, _, _ = begin(r, noon.Add(idempotency.Lasts+time.Second), "ada", "k", "POST", "/other")
	check("a response that is too large", o, idempotency.Begun)
}

// TestBounds checks that an actor can't fill the table, and that old records are removed.
func TestBounds(t *testing.T) {
	table := newTable(t)
	record := func(i int, at time.Time) idempotency.Record {
		return idempotency.Record{ID: sha256.Sum256(fmt.Append(nil, i)), Actor: [32]byte{1}, At: at}
	}
	for i := range 50 {
		if _, began, err := table.BeginRequest(t.Context(), record(i, noon), noon.Add(-time.Hour), 50); err != nil || !began {
			t.Fatal(began, err)
		}
	}
	if stored, began, err := table.BeginRequest(t.Context(), record(50, noon), noon.Add(-time.Hour), 50); err != nil || began || stored.ID != [32]byte{} {
		t.Errorf("more than the maximum: %t %v", began, err)
	}
	if _, began, err := table.BeginRequest(t.Context(), record(51, noon.Add(2*time.Hour)), noon.Add(time.Hour), 50); err != nil || !began {
		t.Errorf("later: %t %v", began, err)
	}
	var n int
	if err := table.DB.Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM idempotency`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d records are left, want 1: %v", n, err)
	}
}

// TestOnce checks that of many simultaneous requests with one key one begins.
func TestOnce(t *testing.T) {
	r := newRequests(t, newTable(t))
	var all sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[idempotency.Outcome]int{}
	for range 32 {
		all.Go(func() {
			o, _, _, err := r.Begin(t.Context(), noon, "ada", "k", "body")
			mu.Lock()
			defer mu.Unlock()
			if outcomes[o]++; err != nil {
				t.Error(err)
			}
		})
	}
	if all.Wait(); outcomes[idempotency.Begun] != 1 || outcomes[idempotency.InProgress] != 31 {
		t.Errorf("outcomes %v", outcomes)
	}
}

// TestEncrypted checks that the table contains neither the response nor the key nor the actor, and
// that a response can't be moved to another key.
func TestEncrypted(t *testing.T) {
	table := newTable(t)
	r := newRequests(t, table)
	var ids [2][sha256.Size]byte
	for i := range ids {
		_, id, _, err := r.Begin(t.Context(), noon, "ada", fmt.Sprintf("key-%d", i), "the body")
		if err == nil {
			err = r.End(t.Context(), id, []byte("the secret"))
		}
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	var row [4][]byte
	if err := table.DB.Reader().QueryRowContext(t.Context(), `SELECT id, actor, fingerprint, response FROM idempotency`).Scan(&row[0], &row[1], &row[2], &row[3]); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ada", "key-", "the body", "the secret"} {
		if bytes.Contains(bytes.Join(row[:], nil), []byte(text)) {
			t.Errorf("the table contains %q", text)
		}
	}
	err := table.DB.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE idempotency SET response = (SELECT response FROM idempotency WHERE id = ?) WHERE id = ?`, ids[0][:], ids[1][:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if o, _, response, err := r.Begin(t.Context(), noon, "ada", "key-1", "the body"); err == nil || response != nil || o != idempotency.Fault {
		t.Errorf("a response of another request is returned: %d %q", o, response)
	}
}

// TestForgetOld checks that responses are removed after a day, although nobody sends another
// request, and not before.
func TestForgetOld(t *testing.T) {
	table := newTable(t)
	r := newRequests(t, table)
	for i := range maxRemoved + 5 {
		at := noon
		if i < 3 {
			at = noon.Add(time.Minute)
		}
		if _, _, err := table.BeginRequest(t.Context(), idempotency.Record{ID: sha256.Sum256(fmt.Append(nil, i)), At: at}, time.Time{}, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	if _, id, _, err := r.Begin(t.Context(), noon, "ada", "k"); err != nil || r.End(t.Context(), id, []byte("secret")) != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		left  int
	}{{0, maxRemoved + 6}, {idempotency.Lasts, maxRemoved + 6}, {idempotency.Lasts + time.Second, 3}, {idempotency.Lasts + 2*time.Minute, 0}} {
		if err := table.ForgetOld(t.Context(), noon.Add(c.after)); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := table.DB.Reader().QueryRowContext(t.Context(), `SELECT count(*) FROM idempotency`).Scan(&n); err != nil || n != c.left {
			t.Errorf("after %v: %d records are left, want %d: %v", c.after, n, c.left, err)
		}
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Requests":  TestRequests,
		"Bounds":    TestBounds,
		"Once":      TestOnce,
		"Encrypted": TestEncrypted,
		"ForgetOld": TestForgetOld,
	})
}
