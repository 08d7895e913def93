package audit_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/auditlog"
)

var start = time.Date(2026, 11, 27, 10, 0, 0, 123e6, time.UTC)

type database struct {
	t *testing.T
	newdb.DB
	*audit.Log
}

// open opens a log in a new database.
func open(t *testing.T) database {
	t.Helper()
	db := newdb.Open(t, time.Now)
	return database{t, db, logWith(t, db, "secret")}
}

func logWith(t *testing.T, db newdb.DB, secret string) *audit.Log {
	t.Helper()
	l, err := audit.NewLog(auditlog.Table{DB: db}, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fill records n entries.
func (d database) fill(n int) {
	d.t.Helper()
	for i := range n {
		_, err := d.Record(d.t.Context(), audit.Entry{At: start.Add(time.Duration(i) * time.Second), Actor: "alice", Operation: "tenant set", Subject: "acme"})
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// sql changes the database as somebody would who has the file. Without args, ? is a hash of zeros.
func (d database) sql(text string, args ...any) {
	d.t.Helper()
	if strings.Contains(text, "?") && len(args) == 0 {
		args = []any{make([]byte, 32)}
	}
	err := d.Write(d.t.Context(), func(tx *sql.Tx) error {
		res, err := tx.ExecContext(d.t.Context(), text, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("%s changes %d rows: %w", text, n, err)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d database) wrong(contains string) int64 {
	d.t.Helper()
	v, err := d.Verify(d.t.Context(), contains)
	if err != nil {
		d.t.Fatal(err)
	}
	return v.Wrong
}

// TestRecord checks that each field is read back, and is part of the hash.
func TestRecord(t *testing.T) {
	d := open(t)
	e := audit.Entry{At: start, Actor: "alice", Role: "owner", Credential: "passkey", Address: "192.0.2.1", Operation: "tenant set", Subject: "acme",
		Before: json.RawMessage(`{"a":1}`), After: json.RawMessage(`{"a":2}`)}
	added, err := d.Record(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.Log.Entries(t.Context(), audit.Query{Limit: 10})
	if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], added) || added.Seq != 1 {
		t.Fatalf("%+v, added %+v, %v", list, added, err)
	}
	v := reflect.ValueOf(added)
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() {
			t.Errorf("%s is not stored", name)
		}
		if name == "Hash" {
			continue
		}
		other := added
		reflect.ValueOf(&other).Elem().Field(i).SetZero()
		if other.Sum([32]byte{}) == added.Hash {
			t.Errorf("%s is not part of the hash", name)
		}
	}
	moved := added
	moved.Actor, moved.Role = "alic", "eowner"
	if moved.Sum([32]byte{}) == added.Hash {
		t.Error("a character can move from one field to the next")
	}
}

// TestQuery checks each filter and the cursor.
func TestQuery(t *testing.T) {
	d := open(t)
	for i, e := range []audit.Entry{
		{Actor: "alice", Operation: "tenant add", Subject: "acme"},
		{Actor: "bob", Operation: "tenant set", Subject: "acme"},
		{Actor: "alice", Operation: "tenants", Subject: "other"},
		{Actor: "alice", Operation: "backup"},
	} {
		e.At = start.Add(time.Duration(i) * time.Hour)
		if _, err := d.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		q    audit.Query
		want []int64
	}{
		{audit.Query{Limit: 9}, []int64{4, 3, 2, 1}},
		{audit.Query{Limit: 2}, []int64{4, 3}},
		{audit.Query{Limit: 2, Before: 3}, []int64{2, 1}},
		{audit.Query{Limit: 9, Actor: "alice"}, []int64{4, 3, 1}},
		{audit.Query{Limit: 9, Operation: "tenant"}, []int64{2, 1}},
		{audit.Query{Limit: 9, Operation: "tenant set"}, []int64{2}},
		{audit.Query{Limit: 9, Subject: "acme", Actor: "bob"}, []int64{2}},
		{audit.Query{Limit: 9, From: start.Add(time.Hour), To: start.Add(3 * time.Hour)}, []int64{3, 2}},
	} {
		list, err := d.Log.Entries(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, e := range list {
			got = append(got, e.Seq)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, got, c.want)
		}
	}
}

// TestVerify checks that each kind of change is found, stays found after the next entry, and that
// the first wrong entry is named.
func TestVerify(t *testing.T) {
	copyRow := `INSERT INTO audit SELECT %s, at, actor, role, credential, address, operation, subject, before, after, hash FROM audit WHERE seq = %d`
	for name, c := range map[string]struct {
		change []string
		wrong  int64
	}{
		"nothing":                     {nil, 0},
		"a field":                     {[]string{`UPDATE audit SET actor = 'bob' WHERE seq = 3`}, 3},
		"a time":                      {[]string{`UPDATE audit SET at = at + 1 WHERE seq = 1`}, 1},
		"a hash":                      {[]string{`UPDATE audit SET hash = ? WHERE seq = 2`}, 2},
		"removed":                     {[]string{`DELETE FROM audit WHERE seq = 2`}, 2},
		"removed, the rest moved":     {[]string{`DELETE FROM audit WHERE seq = 2`, `UPDATE audit SET seq = seq - 1 WHERE seq > 2`}, 2},
		"exchanged":                   {[]string{`UPDATE audit SET seq = -2 WHERE seq = 2`, `UPDATE audit SET seq = 2 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = -2`}, 2},
		"inserted at the start":       {[]string{fmt.Sprintf(copyRow, "0", 1)}, 1},
		"inserted at the end":         {[]string{fmt.Sprintf(copyRow, "6", 5)}, 6},
		"the last removed":            {[]string{`DELETE FROM audit WHERE seq = 5`}, 5},
		"the last three removed":      {[]string{`DELETE FROM audit WHERE seq > 2`}, 3},
		"all removed":                 {[]string{`DELETE FROM audit`}, 1},
		"the last and the head":       {[]string{`DELETE FROM audit WHERE seq = 5`, `DELETE FROM audit_head`}, 5},
		"the last, the head moved":    {[]string{`DELETE FROM audit WHERE seq = 5`, `UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)`}, 5},
		"the head's seal":             {[]string{`UPDATE audit_head SET seal = ?`}, 6},
		"the head":                    {[]string{`DELETE FROM audit_head`}, 6},
		"all removed, the head moved": {[]string{`DELETE FROM audit`, `UPDATE audit_head SET seq = 0, hash = ?`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			d.fill(5)
			for _, text := range c.change {
				d.sql(text)
			}
			if got := d.wrong(""); got != c.wrong {
				t.Errorf("wrong is %d, want %d", got, c.wrong)
			}
			d.fill(2)
			if got := d.wrong(""); (got != 0) != (c.wrong != 0) {
				t.Errorf("after the next entries, wrong is %d", got)
			}
		})
	}
}

// TestRecomputed checks that somebody without the key can't compute the hashes again.
func TestRecomputed(t *testing.T) {
	d := open(t)
	d.fill(2)
	list, err := d.Log.Entries(t.Context(), audit.Query{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	last := list[0]
	last.Actor = "bob"
	last.Hash = last.Sum(list[1].Hash)
	d.sql(`UPDATE audit SET actor = 'bob', hash = ? WHERE seq = 2`, last.Hash[:])
	d.sql(`UPDATE audit_head SET hash = ?`, last.Hash[:])
	if got := d.wrong(""); got == 0 {
		t.Error("a recomputed hash is not found")
	}
}

// TestContains checks that a log that was replaced as a whole does not contain a hash from before.
func TestContains(t *testing.T) {
	d := open(t)
	d.fill(3)
	v, err := d.Verify(t.Context(), "")
	if err != nil || v.Entries != 3 || len(v.Head) != 64 || v.Wrong != 0 {
		t.Fatalf("%+v %v", v, err)
	}
	d.fill(2)
	if got := d.wrong(v.Head); got != 0 {
		t.Errorf("the log contains the hash, and wrong is %d", got)
	}
	d.sql(`DELETE FROM audit`)
	d.sql(`DELETE FROM audit_head`)
	if _, err := d.Record(t.Context(), audit.Entry{At: start, Actor: "eve"}); err != nil {
		t.Fatal(err)
	}
	d.fill(4)
	if d.wrong("") != 0 || d.wrong(v.Head) != 1 {
		t.Error("a hash of another log is found")
	}
}

// slowStore counts the readings of the whole log at the same time.
type slowStore struct {
	audit.Store
	running, most atomic.Int32
}

func (s *slowStore) EachAudit(ctx context.Context, fn func(audit.Entry) error) (audit.Head, error) {
	s.most.Store(max(s.most.Load(), s.running.Add(1)))
	defer s.running.Add(-1)
	time.Sleep(20 * time.Millisecond)
	return s.Store.EachAudit(ctx, fn)
}

// TestOneVerification checks that many who verify the log at the same time read it one after the
// other: each uses a connection, and others need the few that there are.
func TestOneVerification(t *testing.T) {
	d := open(t)
	d.fill(3)
	s := &slowStore{Store: auditlog.Table{DB: d.DB}}
	l, err := audit.NewLog(s, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := l.Verify(t.Context(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.most.Load() != 1 {
		t.Errorf("%d read the log at the same time, want 1", s.most.Load())
	}
}

// TestSealAgain checks that another secret key makes the seal invalid, until the log is sealed
// again.
func TestSealAgain(t *testing.T) {
	d := open(t)
	d.fill(2)
	d.Log = logWith(t, d.DB, "another")
	if got := d.wrong(""); got != 3 {
		t.Errorf("with another key, wrong is %d", got)
	}
	if err := d.SealAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.fill(1)
	if got := d.wrong(""); got != 0 {
		t.Errorf("sealed again, wrong is %d", got)
	}
}

// TestConcurrent checks that entries recorded at the same time form one chain.
func TestConcurrent(t *testing.T) {
	d := open(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 4 {
				if _, err := d.Record(t.Context(), audit.Entry{At: start, Actor: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if v, err := d.Verify(t.Context(), ""); err != nil || v.Entries != 256 || v.Wrong != 0 {
		t.Errorf("%+v %v", v, err)
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Record":     TestRecord,
		"Query":      TestQuery,
		"Contains":   TestContains,
		"SealAgain":  TestSealAgain,
		"Concurrent": TestConcurrent,
	})
}
