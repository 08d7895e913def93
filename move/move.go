// Package move takes an installation over from a data directory into the store of several nodes:
// PostgreSQL, and the engine that has the states of tokens and addresses.
//
// The data directory is locked meanwhile, and only read. The order makes a move safe to interrupt
// at any point, and to repeat:
//
//  1. The target is claimed, a new database together with its first tables: nodes refuse to start
//     on it until the move is complete.
//  2. The corpus is published, and the states are written. Both may be repeated.
//  3. All tables, the keys and the mark that the move is complete are one transaction. Before it
//     commits, everything is read back and compared with the source.
//  4. The data directory is marked, so that nobody serves it by mistake.
package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/tokens"
)

// Options says what [Run] does. All fields are required, except Progress.
type Options struct {
	From   string // the data directory
	Target *Target
	Now    func() time.Time
	By     audit.Entry // who moves: Actor, Role and Credential
	// DryRun makes Run check both sides and count, and move nothing.
	DryRun bool
	// Progress is called repeatedly with what is being moved, and how much of it was. Nil: nobody
	// waits for it.
	Progress func(part string, rows int64)
}

// Part is what was moved of one kind.
type Part struct {
	Part   string `json:"part"`
	Source int64  `json:"source"` // how many there are in the data directory
	Target int64  `json:"target"` // and in the target
	// Same says that both were read and compared, and have the same content.
	Same bool `json:"same"`
}

// Result says what was moved.
type Result struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	At      time.Time `json:"at"`
	DryRun  bool      `json:"dry_run"`
	Already bool      `json:"already"` // an earlier run had moved everything
	Parts   []Part    `json:"parts"`
}

// ErrDiffers means that the target does not have what the source has. Nothing was committed.
var ErrDiffers = errors.New("the target does not have the same content as the source; nothing was moved")

// mover moves one installation.
type mover struct {
	Options
	source   *source
	result   Result
	progress progress

	digests map[string]*digest // of the tables that were copied, by name
	used    usageSums          // what all tenants used, by the source
	tokens  digest             // of all states of tokens: id, state
}

// begin locks and opens the source. It returns an error if it must not be moved to the target.
func begin(ctx context.Context, o Options) (_ *mover, err error) {
	src, err := openSource(ctx, o.From, o.Now())
	if err != nil {
		return nil, err
	}
	m := &mover{Options: o, source: src, digests: map[string]*digest{}, used: usageSums{},
		result: Result{From: o.From, To: o.Target.Place, At: o.Now().UTC().Truncate(time.Second), DryRun: o.DryRun}}
	m.progress = progress{tell: o.Progress}
	if err = m.checkMark(); err == nil {
		err = m.checkURL(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, src.close())
	}
	return m, nil
}

// Run moves everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	m, err := begin(ctx, o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.source.close()) }()
	before, err := m.checkTarget(ctx, o.Target.DB.Reader())
	if err != nil {
		return r, err
	}
	switch {
	case before.Complete:
		err = m.completeAgain(ctx, before)
	case o.DryRun:
		err = m.count(ctx)
	default:
		err = m.move(ctx)
	}
	return m.result, err
}

// checkMark returns an error if the directory was moved to another target.
func (m *mover) checkMark() error {
	to, isMoved, err := moved.To(m.From)
	if err == nil && isMoved && to.To != m.Target.Place {
		err = fmt.Errorf("the data in %s was moved to %s on %s, which has all changes since then", m.From, to.To, to.At.Format(time.RFC3339))
	}
	return err
}

// checkURL returns an error if the nodes have another public URL: tokens name theirs, so all live
// ones would be refused.
func (m *mover) checkURL(ctx context.Context) error {
	served, err := identity(ctx, m.source.db, "public_url")
	if err != nil || served == "" || m.Target.PublicURL == "" || served == m.Target.PublicURL {
		return err
	}
	return fmt.Errorf("%s was served under the public_url %s, and the nodes have %s: live tokens name the former, and would be refused. "+
		"Set public_url to %s in the settings of the nodes; to change it, change it on all nodes after the move", m.From, served, m.Target.PublicURL, served)
}

// move moves everything, verifies it and marks the source.
func (m *mover) move(ctx context.Context) error {
	return rowsView(ctx, m.source.db, func(from *sql.Tx) error {
		if err := m.claim(ctx); err != nil {
			return err
		}
		if err := m.moveCorpus(ctx, from); err != nil {
			return fmt.Errorf("move the corpus: %w", err)
		}
		if err := m.moveStates(ctx, from); err != nil {
			return fmt.Errorf("move the states: %w", err)
		}
		err := m.Target.DB.Write(ctx, func(to *sql.Tx) error { return m.moveTables(ctx, from, to) })
		if err != nil {
			return err
		}
		if err := m.record(ctx); err != nil {
			return err
		}
		return m.mark()
	})
}

// moveTables copies all tables in one transaction, and compares them before it commits.
func (m *mover) moveTables(ctx context.Context, from, to *sql.Tx) error {
	if err := allowPauses(ctx, to); err != nil {
		return err
	}
	for _, p := range plans {
		if p.rows != copied {
			continue
		}
		m.progress.begin(p.title())
		if err := m.copyTable(ctx, from, to, p); err != nil {
			return err
		}
	}
	if err := m.keepNumbers(ctx, from, to); err != nil {
		return err
	}
	if err := m.addCounts(ctx, from, to); err != nil {
		return err
	}
	if err := m.moveKeys(ctx, to); err != nil {
		return err
	}
	if err := m.moveCertificates(ctx, to); err != nil {
		return err
	}
	if err := m.verify(ctx, to); err != nil {
		return err
	}
	return m.complete(ctx, to)
}

// maxStatement is how long one statement may take: it may change millions of rows.
const maxStatement = time.Hour

// allowPauses lets a transaction of the target wait while the source is read.
func allowPauses(ctx context.Context, to *sql.Tx) error {
	_, err := to.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = '10min'`)
	return err
}

// mark makes the source say where its data is now.
func (m *mover) mark() error {
	err := moved.Mark(m.From, moved.Place{To: m.Target.Place, At: m.result.At})
	if err != nil {
		err = fmt.Errorf("everything was moved, but %s can't be marked, so somebody could serve it by mistake: %w. Repeat the move, or move the directory away", m.From, err)
	}
	return err
}

// count counts what a move would move.
func (m *mover) count(ctx context.Context) error {
	return rowsView(ctx, m.source.db, func(from *sql.Tx) error {
		for _, p := range plans {
			if p.rows != copied {
				continue
			}
			var n int64
			if err := from.QueryRowContext(ctx, `SELECT count(*) FROM "`+p.name+`"`).Scan(&n); err != nil {
				return fmt.Errorf("count %s: %w", p.name, err)
			}
			m.part(p.title(), n, 0, false)
		}
		n := int64(0)
		err := m.source.eachToken(ctx, from, func(tokens.ID, tokens.State) error { n++; return nil })
		m.part(tokensPart, n, 0, false)
		return err
	})
}

func (m *mover) part(name string, source, target int64, same bool) {
	m.result.Parts = append(m.result.Parts, Part{Part: name, Source: source, Target: target, Same: same})
}

// progress reports what is being moved.
type progress struct {
	tell func(string, int64)
	part string
	n    int64
}

func (p *progress) begin(part string) {
	p.part, p.n = part, 0
	p.report()
}

func (p *progress) rows(n int64) {
	if p.n += n; p.n%10_000 < n {
		p.report()
	}
}

func (p *progress) report() {
	if p.tell != nil {
		p.tell(p.part, p.n)
	}
}
