package statements

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// Closed is a statement as it is stored.
type Closed struct {
	Statement
	Owner uint32 // the tenant's number
	Note  string // the signed text
	Key   string // the public key that verifies it
	Hash  string // of the note's text
}

// Query selects closed statements, the newest month first, then by client_id.
type Query struct {
	Owner       uint32 // the tenant's number; 0: all
	Month       string // "": all
	AfterMonth  string // only those after this month and tenant in the list; "": from the first
	AfterTenant string
	Limit       int // required
}

// ErrNotFound says that there is no such statement.
var ErrNotFound = errors.New("there is no such statement")

// ErrChanged says that a tenant was changed while its statement was being made.
var ErrChanged = errors.New("the tenant was changed")

// Store stores statements durably. Implementations must be safe for concurrent use.
type Store interface {
	// EveryTenant returns all tenants, and those that were removed, which have the status [Removed].
	EveryTenant(ctx context.Context) ([]tenants.Tenant, error)
	// FirstUsage returns the first day on which anything was used, as days since 1970-01-01.
	FirstUsage(ctx context.Context) (day int32, found bool, err error)
	// LastClosed returns the last closed month, YYYY-MM, "" if there is none.
	LastClosed(ctx context.Context) (string, error)
	// EachLine calls fn with the lines of some tenants from one day to another, both included. It
	// reads one moment. fn gets the index of the tenant's number, and its lines in order, a part at
	// a time, the tenants in their order.
	EachLine(ctx context.Context, numbers []uint32, from, to int32, fn func(index int, lines []Line) error) error
	// ClearLines removes lines of a statement that was not completed.
	ClearLines(ctx context.Context, tenant, month string) error
	// AddLines adds lines of a statement that does not exist yet.
	AddLines(ctx context.Context, tenant, month string, chunks []Chunk) error
	// AddStatement adds a statement, in one step. It returns [ErrChanged] if the account's stamp
	// differs.
	AddStatement(ctx context.Context, c Closed, stamp string) error
	// Checkpoint is called after some statements were added, when no line is being read. What was
	// written until then need not be kept for readers of an earlier moment.
	Checkpoint(ctx context.Context) error
	// CloseMonth notes that a month has all its statements.
	CloseMonth(ctx context.Context, month string, at time.Time) error
	// Listed returns the statements that q selects as lists show them: without notes, roots, prices
	// and rows. It does not check that they are as they were signed, which takes 0.1 ms each.
	Listed(ctx context.Context, q Query) ([]Closed, error)
	// Statements returns the statements that q selects. It checks that they are as they were signed.
	Statements(ctx context.Context, q Query) ([]Closed, error)
	// EachChunk calls fn for the lines of a statement, in order.
	EachChunk(ctx context.Context, tenant, month string, fn func(Chunk) error) error
	// Chunk returns the lines that begin with the index first.
	Chunk(ctx context.Context, tenant, month string, first int64) (Chunk, error)
	// ChunkHashes returns the hashes of a statement's full chunks, in order.
	ChunkHashes(ctx context.Context, tenant, month string) ([]tlog.Hash, error)
	// Keys returns the public keys that have signed statements.
	Keys(ctx context.Context) ([]string, error)
}

// Book closes months, and returns closed statements. Its methods are safe for concurrent use.
type Book struct {
	Store Store
	Key   *Key
	// OnClosed is called with each new statement, once it is durable. It must return soon. Nil:
	// nothing is called. It must be set before months are closed.
	OnClosed func(Statement)

	mu sync.Mutex // held while months are closed

	keysMu sync.Mutex
	keys   []string // the result of Keys, which does not change
}

// CloseDue closes all months that are due, the oldest first, and returns the new statements. It is
// safe to interrupt: the next call continues.
func (b *Book) CloseDue(ctx context.Context, now time.Time) (made []Statement, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	month, found, err := b.Next(ctx)
	if err != nil || !found {
		return nil, err
	}
	for ; !now.Before(ClosesAt(month)); month = month.AddDate(0, 1, 0) {
		some, err := b.close(ctx, month, now)
		made = append(made, some...)
		if err != nil {
			return made, fmt.Errorf("close %s: %w", MonthOf(month), err)
		}
	}
	return made, nil
}

// Next returns the first month that is not closed. Before anything was used, there is none.
func (b *Book) Next(ctx context.Context) (month time.Time, found bool, err error) {
	last, err := b.Store.LastClosed(ctx)
	if err != nil {
		return month, false, err
	}
	if last != "" {
		month, err = ParseMonth(last)
		return month.AddDate(0, 1, 0), err == nil, err
	}
	day, found, err := b.Store.FirstUsage(ctx)
	if err != nil || !found {
		return month, false, err
	}
	y, m, _ := time.Unix(int64(day)*86400, 0).UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC), true, nil
}

// accountsAtOnce is how many accounts are read from one moment. The database keeps everything that
// is written meanwhile: about 17 pages for each of their statements, 17 MB in all. Each moment
// reads all states, which takes 80 ms if there are 100,000.
const accountsAtOnce = 250

// close makes the statements of a month that don't exist yet.
func (b *Book) close(ctx context.Context, month, now time.Time) (made []Statement, err error) {
	c := &closing{b: b, ctx: ctx, month: month, at: now.UTC().Truncate(time.Second)}
	if err := c.findAccounts(); err != nil {
		return nil, err
	}
	numbers := make([]uint32, len(c.accounts))
	for i, a := range c.accounts {
		numbers[i] = a.Number
	}
	for done := 0; done < len(numbers) && err == nil; done += accountsAtOnce {
		err = c.read(numbers[:min(len(numbers), done+accountsAtOnce)], done)
	}
	if err == nil {
		err = b.Store.CloseMonth(ctx, MonthOf(month), now)
	}
	return c.made, err
}

// read makes the statements of the accounts from an index on, whose lines are of one moment.
func (c *closing) read(numbers []uint32, first int) error {
	from, to := Days(c.month)
	err := c.b.Store.EachLine(c.ctx, numbers[first:], from, to, func(account int, lines []Line) error {
		if err := c.advance(first + account); err != nil {
			return err
		}
		return c.add(lines)
	})
	if err == nil {
		err = c.advance(len(numbers))
	}
	if err != nil {
		return err
	}
	return c.b.Store.Checkpoint(c.ctx)
}

// closing is the state while a month is closed.
type closing struct {
	b        *Book
	ctx      context.Context
	month    time.Time
	at       time.Time
	accounts []Account // without those that have their statement
	current  int       // the account whose lines are being read
	draft    *draft
	made     []Statement
}

func (c *closing) name() string { return MonthOf(c.month) }

func (c *closing) findAccounts() error {
	list, err := c.b.Store.EveryTenant(c.ctx)
	if err != nil {
		return err
	}
	for _, a := range Accounts(list) {
		made, err := c.b.Store.Statements(c.ctx, Query{Owner: a.Number, Month: c.name(), Limit: 1})
		if err != nil {
			return err
		}
		if len(made) == 0 {
			c.accounts = append(c.accounts, a)
		}
	}
	return nil
}

// advance finishes the statements of the accounts before one.
func (c *closing) advance(account int) error {
	for ; c.current < account; c.current++ {
		a := c.accounts[c.current]
		isExpected := !a.Removed && a.CreatedAt.Before(c.month.AddDate(0, 1, 0))
		if c.draft == nil && isExpected {
			if err := c.begin(); err != nil {
				return err
			}
		}
		if c.draft == nil {
			continue // nothing was used, and no statement is expected
		}
		s, err := c.finish(a)
		if err != nil {
			return fmt.Errorf("statement of %s: %w", a.Tenant, err)
		}
		c.made, c.draft = append(c.made, s), nil
		if c.b.OnClosed != nil {
			c.b.OnClosed(s)
		}
	}
	return nil
}

func (c *closing) begin() error {
	c.draft = &draft{}
	return c.b.Store.ClearLines(c.ctx, c.accounts[c.current].Tenant, c.name())
}

// add adds lines of the current account, and stores full chunks, a few at a time.
func (c *closing) add(lines []Line) error {
	if c.draft == nil {
		if err := c.begin(); err != nil {
			return err
		}
	}
	for _, l := range lines {
		c.draft.add(l)
		if len(c.draft.full) == writeChunks {
			if err := c.store(); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeChunks is how many chunks are written with a commit: about 90 kB, which takes a millisecond,
// since calls wait for it.
const writeChunks = 4

func (c *closing) store() error {
	err := c.b.Store.AddLines(c.ctx, c.accounts[c.current].Tenant, c.name(), c.draft.full)
	c.draft.full = c.draft.full[:0]
	return err
}

// finish signs and stores the current statement. If the tenant's prices are being changed, it
// starts again with the new ones: once the statement exists, they can't be changed any more.
func (c *closing) finish(a Account) (Statement, error) {
	c.draft.cut()
	if err := c.store(); err != nil {
		return Statement{}, err
	}
	for {
		closed, err := c.sign(a)
		if err != nil {
			return Statement{}, err
		}
		err = c.b.Store.AddStatement(c.ctx, closed, a.Stamp)
		if !errors.Is(err, ErrChanged) {
			return closed.Statement, err
		}
		name := a.Tenant
		if a, err = c.b.account(c.ctx, func(other Account) bool { return other.Number == a.Number }); err != nil {
			return Statement{}, err
		}
		if a.Tenant != name { // its lines are stored under the other name
			err = fmt.Errorf("%s was added again meanwhile: %w; the next try continues", name, ErrChanged)
			return Statement{}, errors.Join(err, c.b.Store.ClearLines(c.ctx, name, c.name()))
		}
	}
}

func (c *closing) sign(a Account) (closed Closed, err error) {
	s := c.draft.statement(a, c.month)
	s.ClosedAt = c.at
	if err := s.Cost(); err != nil {
		return Closed{}, err
	}
	switch last, found, err := c.b.Newest(c.ctx, a.Number); {
	case err != nil:
		return Closed{}, err
	case found:
		text, err := Open(last.Note, last.Key)
		if err != nil {
			return Closed{}, fmt.Errorf("the stored statement of %s: %w", last.Month, err)
		}
		s.Number, s.Previous = last.Number+1, Hash(text)
	default:
		s.Number = 1
	}
	closed = Closed{Statement: s, Owner: a.Number, Key: c.b.Key.Public(), Hash: Hash(s.Text())}
	closed.Note, err = c.b.Key.sign(s.Text())
	return closed, err
}

// draft is a statement whose lines are being read.
type draft struct {
	tree  Tree
	rows  []Row
	at    struct{ day, route int } // of the last row; day is the line's plus 1; 0: no row
	chunk Tree                     // of the chunk that is not full
	bytes []byte
	full  []Chunk
}

func (d *draft) add(l Line) {
	if at := (struct{ day, route int }{int(l.Day) + 1, int(l.Route)}); at != d.at {
		d.at = at
		d.rows = append(d.rows, Row{Day: l.DayText(), Route: l.Route.String()})
	}
	r := &d.rows[len(d.rows)-1]
	r.Calls += l.Calls
	r.Records += l.Records
	d.chunk.Add(l)
	d.bytes = AppendLine(d.bytes, l)
	if d.chunk.lines == ChunkLines {
		d.cut()
	}
}

// cut ends a chunk. The tree grows by whole chunks, whose hashes are known: a full chunk is a
// subtree of it.
func (d *draft) cut() {
	if d.chunk.lines == 0 {
		return
	}
	d.full = append(d.full, Chunk{First: d.tree.lines, Hash: d.chunk.Root(), Lines: d.bytes})
	d.tree.Join(d.chunk)
	d.chunk, d.bytes = Tree{}, make([]byte, 0, len(d.bytes))
}

// statement returns the statement, without amounts and what it has of the one before.
func (d *draft) statement(a Account, month time.Time) Statement {
	s := Statement{Tenant: a.Tenant, Name: a.Name, Month: MonthOf(month), Currency: a.Currency,
		Lines: d.tree.lines, Root: d.tree.Root().String(), Rows: append([]Row{}, d.rows...)}
	s.setPrices(a.Prices)
	return s
}

// Account returns the account of a name, or [tenants.ErrNotFound].
func (b *Book) Account(ctx context.Context, name string) (Account, error) {
	a, err := b.account(ctx, func(a Account) bool { return a.Tenant == name })
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return a, err
}

// Statement returns the statement of the tenant of a name, or [ErrNotFound]. The signed text has
// the name that the tenant had when the month was closed.
func (b *Book) Statement(ctx context.Context, name, month string) (Closed, error) {
	a, err := b.Account(ctx, name)
	switch {
	case errors.Is(err, tenants.ErrNotFound):
		return Closed{}, ErrNotFound
	case err != nil:
		return Closed{}, err
	}
	list, err := b.Store.Statements(ctx, Query{Owner: a.Number, Month: month, Limit: 1})
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Closed{}, err
	}
	return list[0], nil
}

// account returns the account that is the wanted one.
func (b *Book) account(ctx context.Context, isWanted func(Account) bool) (Account, error) {
	list, err := b.Store.EveryTenant(ctx)
	if err != nil {
		return Account{}, err
	}
	for _, a := range Accounts(list) {
		if isWanted(a) {
			return a, nil
		}
	}
	return Account{}, tenants.ErrNotFound
}

// Newest returns the newest statement of the tenant of a number, and reports whether there is one.
func (b *Book) Newest(ctx context.Context, owner uint32) (Closed, bool, error) {
	list, err := b.Store.Statements(ctx, Query{Owner: owner, Limit: 1})
	if err != nil || len(list) == 0 {
		return Closed{}, false, err
	}
	return list[0], true, nil
}

// ClosedSince returns the statements of all tenants that were closed since a time, as lists show
// them.
func (b *Book) ClosedSince(ctx context.Context, since time.Time) (found []Statement, err error) {
	q := Query{Limit: 500}
	for {
		list, err := b.Store.Listed(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if c.ClosedAt.Before(since) {
				return found, nil // months close in their order, and the list begins with the newest
			}
			found = append(found, c.Statement)
			q.AfterMonth, q.AfterTenant = c.Month, c.Tenant
		}
		if len(list) < q.Limit {
			return found, nil
		}
	}
}

// Keys returns the public keys that verify statements, the one that signs first. It reads them
// once: all later statements are signed by that one.
func (b *Book) Keys(ctx context.Context) ([]string, error) {
	b.keysMu.Lock()
	defer b.keysMu.Unlock()
	if b.keys != nil {
		return b.keys, nil
	}
	used, err := b.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	keys := []string{b.Key.Public()}
	for _, k := range used {
		if k != keys[0] {
			keys = append(keys, k)
		}
	}
	b.keys = keys
	return keys, nil
}

// Lines calls fn for each ledger line of a statement, in order. An error says that the stored lines
// are not those that were signed.
func (b *Book) Lines(ctx context.Context, c Closed, fn func(Line) error) error {
	var t Tree
	err := b.Store.EachChunk(ctx, c.Tenant, c.Month, func(chunk Chunk) error {
		lines, err := DecodeLines(chunk.Lines)
		if err != nil {
			return err
		}
		for _, l := range lines {
			t.Add(l)
			if err := fn(l); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && t.Root().String() != c.Root {
		err = fmt.Errorf("the stored lines of %s in %s are not those that were signed: the database was changed", c.Tenant, c.Month)
	}
	return err
}

// Find returns the indexes of the lines of a token in a statement, in order.
func (b *Book) Find(ctx context.Context, c Closed, token tokens.ID) (found []int64, err error) {
	n := int64(0)
	err = b.Lines(ctx, c, func(l Line) error {
		if l.Token == token {
			found = append(found, n)
		}
		n++
		return nil
	})
	return found, err
}

// Prove returns the proof of the line with an index, from 0.
func (b *Book) Prove(ctx context.Context, c Closed, index int64) (Proof, error) {
	if index < 0 || index >= c.Lines {
		return Proof{}, fmt.Errorf("line %d: the statement has %d lines: %w", index+1, c.Lines, ErrNotFound)
	}
	hashes, err := b.Store.ChunkHashes(ctx, c.Tenant, c.Month)
	if err != nil {
		return Proof{}, err
	}
	read := map[int64][]Line{} // two chunks at most: the line's own, and the last
	from := &chunks{hashes: hashes, lines: func(first int64) ([]Line, error) {
		if lines, ok := read[first]; ok {
			return lines, nil
		}
		chunk, err := b.Store.Chunk(ctx, c.Tenant, c.Month, first)
		if err != nil {
			return nil, err
		}
		read[first], err = DecodeLines(chunk.Lines)
		return read[first], err
	}}
	own, err := from.lines(index &^ (ChunkLines - 1))
	if err != nil {
		return Proof{}, err
	}
	if index&(ChunkLines-1) >= int64(len(own)) {
		return Proof{}, errStored
	}
	p := Proof{Index: index, Lines: c.Lines, Line: own[index&(ChunkLines-1)]}
	if p.Hashes, err = tlog.ProveRecord(c.Lines, index, from); err != nil {
		return Proof{}, err
	}
	return p, p.Check(c.Statement)
}
