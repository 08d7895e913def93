package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/states"
	"stile.example/stile/tokens"
)

// nodesOf returns the settings of nodes that share a database.
func nodesOf(t *testing.T, url string, more ...string) *settings.Settings {
	t.Helper()
	env := append([]string{"STILE_STORE=" + url, "STILE_STORE_KEY=" + strings.Repeat("5e", 32), "STILE_DATA=" + filepath.Join(t.TempDir(), "node")}, more...)
	s, err := settings.Load(settings.Source{Env: env})
	check(t, err)
	return s
}

// asIs runs a statement, "" for none, in a database that is not migrated, and returns how many
// steps it lacks; -1 for all.
func asIs(t *testing.T, url, statement string) (missing int) {
	t.Helper()
	db, names, err := postgres.OpenAsIs(t.Context(), url)
	check(t, err)
	if statement != "" {
		check(t, db.Write(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}))
	}
	check(t, db.Close())
	if names == nil {
		return -1
	}
	return len(names)
}

// TestInterruptedBeforeTables interrupts moves to a new database while its tables are made. No node
// starts on it then, and check says why; the move can be repeated.
func TestInterruptedBeforeTables(t *testing.T) {
	from := installation(t)
	for state, isDry := range map[string]bool{"store": false, "valkey://127.0.0.1:1": false, "a dry run": true} {
		url := engines.Postgres(t)
		s := nodesOf(t, url)
		if strings.HasPrefix(state, "valkey:") {
			s = nodesOf(t, url, "STILE_STATE="+state)
		}
		asIs(t, url, `CREATE DOMAIN states AS bigint`) // no step can make the table of that name
		o := options(from, nil)
		o.DryRun, o.Now = isDry, time.Now
		if _, err := Open(t.Context(), s, o, quiet); err == nil || !strings.Contains(err.Error(), "0002_states") {
			t.Fatalf("%s: not interrupted: %v", state, err)
		}
		if n := asIs(t, url, `DROP DOMAIN states`); n < 1 {
			t.Errorf("%s: %d steps are missing", state, n)
		}
		p, err := datadir.Peek(t.Context(), s, time.Now)
		if err != nil || p.IsOld || errors.Is(p.Incomplete, moved.ErrIncomplete) == isDry {
			t.Errorf("%s: %+v, %v", state, p, err)
		}
		if state != "store" {
			continue
		}
		if d, err := datadir.Open(t.Context(), s, time.Now, quiet); !errors.Is(err, moved.ErrIncomplete) {
			t.Errorf("a node starts: %v, %v", d, err)
		}
		to, err := Open(t.Context(), s, o, quiet)
		check(t, err)
		o.Target = &to.Target
		_, err = Run(t.Context(), o)
		check(t, errors.Join(err, to.Close()))
		d, err := datadir.Open(t.Context(), s, time.Now, quiet)
		check(t, err)
		check(t, d.Close())
		check(t, moved.Forget(from))
	}
}

// TestOpenChecksSource checks that a database gets no tables for what can't be moved to it.
func TestOpenChecksSource(t *testing.T) {
	url := engines.Postgres(t)
	if _, err := Open(t.Context(), nodesOf(t, url), options(t.TempDir(), nil), quiet); !errors.Is(err, datadir.ErrNoData) {
		t.Error(err)
	}
	from := installation(t)
	check(t, moved.Mark(from, moved.Place{To: "postgres://another/stile", At: now}))
	if _, err := Open(t.Context(), nodesOf(t, url), options(from, nil), quiet); err == nil || !strings.Contains(err.Error(), "was moved to postgres://another/stile") {
		t.Error(err)
	}
	if n := asIs(t, url, ""); n != -1 {
		t.Errorf("only %d steps are missing", n)
	}
}

// TestOpenRefusesEngines checks what a move says if its engine of states belongs to another
// installation, or is another one than that of the move that it continues. It changes nothing
// there, and continues with the right one.
func TestOpenRefusesEngines(t *testing.T) {
	v := engines.Valkey(t, "appendonly yes", "maxmemory-policy noeviction").Addr
	in := func(database int, command string) string {
		t.Helper()
		reply, err := engines.Command(v, fmt.Sprintf(`EVAL "redis.call('SELECT', %d) return redis.call(%s)" 0`, database, command))
		check(t, err)
		return reply
	}
	from, url := installation(t), engines.Postgres(t)
	o := options(from, nil)
	o.Now = time.Now
	open := func(database int) error {
		to, err := Open(t.Context(), nodesOf(t, url, fmt.Sprintf("STILE_STATE=valkey://%s/%d", v, database)), o, quiet)
		if err == nil {
			err = to.Close()
		}
		return err
	}
	in(1, `'SET', 'i', 'another memory'`)
	err := open(1)
	if !errors.Is(err, states.ErrForeign) || !strings.Contains(err.Error(), "set `state` to another database number, such as valkey://host/1") {
		t.Errorf("an engine of another installation: %v", err)
	}
	check(t, open(0))
	err = open(2)
	if !errors.Is(err, states.ErrOther) || !strings.Contains(err.Error(), "set `state` as it was before, or drop the database, which only has what a dry run or an incomplete move has written, create it again and repeat the move") {
		t.Errorf("another engine than before: %v", err)
	}
	if one, two := in(1, `'DBSIZE'`), in(2, `'DBSIZE'`); one != ":1" || two != ":0" {
		t.Errorf("the engines that were refused have %s and %s keys, want 1 and 0", one, two)
	}
	check(t, open(0))
	url = engines.Postgres(t) // as of a rehearsal, or as if it had been dropped and created again
	if err := open(0); err == nil || !strings.Contains(err.Error(), "If no node uses them, such as after a move that was given up, empty the engine with FLUSHDB") {
		t.Errorf("an engine that another database uses: %v", err)
	}
	in(0, `'FLUSHDB'`)
	check(t, open(0))
}

// TestMoveToEngines interrupts moves to real engines after they have written states, removes one in
// the source, and completes the moves: the engine and the lists have what the source has then.
func TestMoveToEngines(t *testing.T) {
	valkey := "valkey://" + engines.Valkey(t, "appendonly yes").Addr
	for _, state := range []string{"store", valkey} {
		from := installation(t)
		s := nodesOf(t, engines.Postgres(t), "STILE_STATE="+state)
		run := func(stopAt string) error {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := options(from, nil)
			o.Progress = func(part string, _ int64) {
				if part == stopAt {
					cancel()
				}
			}
			to, err := Open(ctx, s, o, quiet)
			check(t, err)
			o.Target = &to.Target
			_, err = Run(ctx, o)
			return errors.Join(err, to.Close())
		}
		if err := run(tokensPart + ", read back"); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: not interrupted: %v", state, err)
		}
		d, err := datadir.Open(t.Context(), settingsOf(t, from), clock, quiet)
		check(t, err)
		check(t, d.Store.Update(t.Context(), tokens.ID{1, 0, 7}, func(tokens.State) tokens.State { return tokens.State{} }))
		check(t, d.Close())
		if err := run(""); err != nil {
			t.Errorf("%s: the move can't be repeated: %v", state, err)
		}
	}
}
