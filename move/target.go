package move

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/audit"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/datadir/moved"
	schema "stile.example/stile/store/postgres/migration"
	"stile.example/stile/store/tables/auditlog"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

// Target is where everything goes. All fields but PublicURL are required.
type Target struct {
	Place  string // as it may be shown: without a password
	DB     rows.DB
	States States
	Corpus *replica.Replica
	Box    *signing.Box // encrypts the keys
	// PublicURL is the public URL of the nodes, which must be that of the source. Empty: unknown.
	PublicURL string
}

// States has the states of tokens and addresses. An update that changes nothing is decided about
// the state that the engine has.
type States interface {
	updater
	// Clear removes all states, such as those that an interrupted move has written. It must be called
	// before the first update.
	Clear(ctx context.Context) error
}

// updater changes states, and copies them to the tables.
type updater interface {
	Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error
	UpdateAddress(ctx context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error
	// Settle copies what was changed to the tables of the target.
	Settle(ctx context.Context) error
}

func readMove(ctx context.Context, q rows.Querier) (m moved.Incoming, exists bool, err error) {
	text, err := identity(ctx, q, moved.IncomingName)
	if err != nil {
		return m, false, err
	}
	return moved.ParseIncoming(text)
}

func writeMove(ctx context.Context, tx *sql.Tx, m moved.Incoming) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO identity (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, moved.IncomingName, string(text))
	return err
}

// checkTarget returns an error if the target has, or is to get, another installation, or has tables
// of another program.
func (m *mover) checkTarget(ctx context.Context, q rows.Querier) (state moved.Incoming, err error) {
	if err := m.checkTables(ctx, q); err != nil {
		return state, err
	}
	state, exists, err := readMove(ctx, q)
	if err != nil {
		return state, fmt.Errorf("read the target: %w", err)
	}
	if exists && state.Installation != m.source.fingerprint {
		return state, fmt.Errorf("%s belongs to another installation: create a new database", m.Target.Place)
	}
	if exists {
		return state, nil
	}
	mine, err := identity(ctx, q, "secret_key")
	if err != nil {
		return state, err
	}
	var others int64
	err = q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM audit) + (SELECT count(*) FROM sealed)`).Scan(&others)
	switch {
	case err != nil:
		return state, fmt.Errorf("read the target: %w", err)
	case mine == m.source.fingerprint:
		return state, fmt.Errorf("%s has this installation already, and not from a move: nodes can start on it. To move it again, create a new database", m.Target.Place)
	case mine != "" || others > 0:
		return state, fmt.Errorf("%s belongs to another installation, such as that of a node that was started on it: create a new database, and start nodes after the move", m.Target.Place)
	}
	return state, nil
}

// checkTables returns an error if the target has tables that are not stile's.
func (m *mover) checkTables(ctx context.Context, q rows.Querier) error {
	tables, err := schema.Tables(ctx, q)
	if err != nil {
		return fmt.Errorf("list the tables of the target: %w", err)
	}
	foreign := slices.DeleteFunc(tables, func(name string) bool { _, planned := planOf(name); return planned })
	if len(foreign) > 0 {
		return fmt.Errorf("%s: %w", m.Target.Place, schema.Foreign(foreign))
	}
	return nil
}

// claim makes the target wait for the rest of the move. It checks again, because another move or a
// node may have been faster.
func (m *mover) claim(ctx context.Context) error {
	return m.Target.DB.Write(ctx, func(tx *sql.Tx) error {
		before, err := m.checkTarget(ctx, tx)
		if err != nil {
			return err
		}
		if before.Complete {
			return fmt.Errorf("another move to %s was completed meanwhile: run the command again, to compare", m.Target.Place)
		}
		return writeMove(ctx, tx, moved.Incoming{Installation: m.source.fingerprint, At: m.result.At})
	})
}

// complete notes in the last transaction that everything was moved.
func (m *mover) complete(ctx context.Context, to *sql.Tx) error {
	return writeMove(ctx, to, moved.Incoming{Installation: m.source.fingerprint, Complete: true, At: m.result.At, Source: m.sourceDigest()})
}

// sourceDigest identifies what the source has.
func (m *mover) sourceDigest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(m.digests)) {
		d := m.digests[name]
		fmt.Fprintln(hash, name, d.rows, d.sum)
	}
	fmt.Fprintln(hash, m.tokens.rows, m.tokens.sum)
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// completeAgain handles a target that has everything from an earlier run. If the source is as it
// was then, it only has to be marked.
func (m *mover) completeAgain(ctx context.Context, before moved.Incoming) error {
	err := rowsView(ctx, m.source.db, func(from *sql.Tx) error {
		for _, p := range plans {
			if p.rows != copied {
				continue
			}
			m.progress.begin(p.title())
			columns, err := sqliteCatalog.columnsOf(ctx, from, p.name)
			if err != nil {
				return err
			}
			if m.digests[p.name], err = m.digestOf(ctx, from, p.name, columns); err != nil {
				return err
			}
		}
		return m.source.eachToken(ctx, from, func(id tokens.ID, s tokens.State) error {
			m.addToken(id, s)
			return nil
		})
	})
	if err != nil {
		return err
	}
	if m.sourceDigest() != before.Source {
		return fmt.Errorf("%s has everything since %s, but %s has changed since: somebody has served it. Nothing was moved. "+
			"Either continue with the nodes and without these changes (`stile fsck --data %s` says what there is), or create a new database and move again",
			m.Target.Place, before.At.Format(time.RFC3339), m.From, m.From)
	}
	m.result.Already, m.result.At = true, before.At
	if m.DryRun {
		return nil
	}
	return m.mark()
}

// record writes to the audit log of the target that its content was moved, and checks the chain of
// its entries.
func (m *mover) record(ctx context.Context) error {
	log, err := audit.NewLog(auditlog.Table{DB: m.Target.DB}, m.source.keys.SecretKey())
	if err != nil {
		return err
	}
	entry := m.By
	entry.At, entry.Operation, entry.Subject = m.Now(), "move", m.From
	if _, err := log.Record(ctx, entry); err != nil {
		return fmt.Errorf("record the move in the audit log: %w", err)
	}
	v, err := log.Verify(ctx, "")
	if err != nil {
		return fmt.Errorf("verify the audit log: %w", err)
	}
	m.part(auditPart, m.digests["audit"].rows, v.Entries-1, v.Wrong == 0)
	return nil
}

// keepNumbers makes the target give no number again that the source has given to a row, even if the
// row is gone: a removed tenant's number must never belong to another one.
func (m *mover) keepNumbers(ctx context.Context, from, to *sql.Tx) error {
	largest, err := m.source.numbers(ctx, from)
	if err != nil {
		return fmt.Errorf("read the numbers of rows: %w", err)
	}
	type sequence struct{ table, column string }
	all, err := rows.All(ctx, to, func(r rows.Row) (s sequence, err error) { return s, r.Scan(&s.table, &s.column) }, `
		SELECT table_name::text, column_name::text FROM information_schema.columns
		WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return fmt.Errorf("read the numbers of the target: %w", err)
	}
	for _, s := range all {
		if n := largest[s.table]; n > 0 {
			_, err := to.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence(?, ?)::regclass, ?)`, s.table, s.column, n)
			if err != nil {
				return fmt.Errorf("continue the numbers of %s: %w", s.table, err)
			}
		}
	}
	return nil
}
