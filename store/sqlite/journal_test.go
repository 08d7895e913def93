package sqlite

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/tokens"
)

// killedJournal returns the file of a database that was killed, with three rows in its journal.
func killedJournal(t *testing.T) (file string) {
	db := openFile(t, newFile(t), options())
	for n := range int64(3) {
		bump(t, db, benchID(n))
	}
	return copyAsKilled(t, db)
}

// TestDamagedJournal changes each byte of a row of the journal, and removes rows. The journal must
// not be read then: a state with another byte may be readable. A row without a checksum, which an
// older version wrote, is read.
func TestDamagedJournal(t *testing.T) {
	w := openWriter(killedJournal(t), false)
	defer w.Close()
	read := func(statement string, args ...any) (states int, err error) {
		t.Helper()
		tx, err := w.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
		all, err := readJournal(t.Context(), tx)
		return len(all), err
	}
	for _, column := range []string{"batch", "usage"} {
		var whole []byte
		if err := w.QueryRow(`SELECT ` + column + ` FROM journal WHERE seq = 2`).Scan(&whole); err != nil || len(whole) == 0 {
			t.Fatal(column, whole, err)
		}
		for i := range whole {
			damaged := slices.Clone(whole)
			damaged[i] ^= 1
			if _, err := read(`UPDATE journal SET `+column+` = ? WHERE seq = 2`, damaged); !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d of %s is changed: %v", i, column, err)
			}
		}
	}
	for statement, want := range map[string]error{
		`UPDATE journal SET seq = 4 WHERE seq = 3`: ErrDamaged,
		`DELETE FROM journal WHERE seq = 2`:        ErrMissing,
		`DELETE FROM journal WHERE seq = 1`:        nil,
		`UPDATE journal SET checksum = NULL`:       nil,
		`UPDATE journal SET seq = seq + 10`:        ErrDamaged,
	} {
		if _, err := read(statement); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", statement, err, want)
		}
	}
	if n, err := read(`UPDATE journal SET checksum = NULL, usage = NULL WHERE seq < 3`); n != 3 || err != nil {
		t.Errorf("%d states, of rows of an older version too, %v", n, err)
	}
}

// TestStartRefusesDamagedJournal checks that a database is not opened if a row of its journal is
// damaged.
func TestStartRefusesDamagedJournal(t *testing.T) {
	file := killedJournal(t)
	// It can be read, but is another one.
	execIn(t, file, `UPDATE journal SET batch = (SELECT batch FROM journal WHERE seq = 1) WHERE seq = 2`)
	db, err := Open(t.Context(), file, options())
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("opened: %v", err)
	}
	if err == nil {
		db.Close()
	}
}

// TestSumsAreAddedUpAgain does what `stile fsck` says if the sums of usage are wrong, with wrong
// ones in the journal. The next starts must have the right ones, also after another kill.
func TestSumsAreAddedUpAgain(t *testing.T) {
	file := killedJournal(t)
	execIn(t, file, `UPDATE journal SET usage = (SELECT usage FROM journal WHERE seq = 1), checksum = NULL WHERE seq = 3`)
	execIn(t, file, `DELETE FROM token_usage`)
	for range 2 {
		db := openFile(t, file, options())
		if n := callsIn(t, db); n != 3 {
			t.Errorf("%d calls of 3", n)
		}
		file = copyAsKilled(t, db)
	}
}

// execIn runs a statement on a database that is not open.
func execIn(t *testing.T, file, statement string) {
	t.Helper()
	w := openWriter(file, false)
	defer w.Close()
	if _, err := w.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// FuzzRecords checks that any bytes are a row of the journal or an error, and never a panic. The
// states of a row must not be longer than the row when they are stored again. A state that an older
// version wrote may be: the newest version has more fields, and a state of which no byte is zero is
// longer when it is packed.
func FuzzRecords(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	row := appendRecord(nil, tokens.ID{1}, &tokens.State{Tenant: rnd.Uint32()})
	f.Add(appendRecord(row, tokens.ID{2}, &tokens.State{Dead: tokens.Revoked}))
	old := append(row, make([]byte, len(tokens.ID{}))...)
	f.Add(tokens.AppendState(old, tokens.State{Tenant: 1})) // as an older version wrote it
	f.Add(row[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		older := 0 // the newest version is all that appendRecord writes
		at, newest := b, appendRecord(nil, tokens.ID{}, &tokens.State{})[len(tokens.ID{})]
		err := records(b, func(id tokens.ID, s *tokens.State) {
			again = appendRecord(again, id, s)
			if at[len(id)] != newest {
				older++
			}
			_, at, _ = tokens.CutState(at[len(id):])
		})
		if err == nil && len(again) > len(b)+older*40 {
			t.Errorf("%d bytes made %d, with %d states of older versions", len(b), len(again), older)
		}
	})
}
