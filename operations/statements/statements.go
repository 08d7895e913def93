// Package statements has the operations on statements, and the pricing of usage that they share
// with the operation usage. So a number is the same wherever it is shown.
package statements

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/paging"
	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// KeysPath is where the public listener publishes the public keys of statements.
const KeysPath = "/.well-known/stile-statement-keys"

// Usage returns what a tenant ("" for all) used from one day to another, both included ("" for no
// bound), with amounts, and the currencies of the tenants.
func Usage(ctx context.Context, d *datadir.Dir, tenant, from, to string) (rows []usage.Row, currencies map[string]string, err error) {
	list, err := d.Statements.Store.EveryTenant(ctx)
	if err != nil {
		return nil, nil, err
	}
	// also those of removed tenants
	prices, currencies, hasTiers := map[string][]tenants.Price{}, map[string]string{}, false
	for _, a := range statements.Accounts(list) {
		prices[a.Tenant], currencies[a.Tenant] = a.Prices, a.Currency
		if tenant == "" || tenant == a.Tenant {
			hasTiers = hasTiers || slices.ContainsFunc(a.Prices, func(p tenants.Price) bool { return len(p.Tiers) > 0 })
		}
	}
	since := from
	if len(from) == len(time.DateOnly) && hasTiers { // which count from the first day of the month
		since = from[:len("2006-01")] + "-01"
	}
	lines, err := d.Usage(ctx, tenant, since, to)
	if err != nil {
		return nil, nil, err
	}
	rows, err = usage.Statement(lines, func(clientID string) []tenants.Price { return prices[clientID] })
	return slices.DeleteFunc(rows, func(r usage.Row) bool { return r.Day < from }), currencies, err
}

// CheckPrices returns an error if a change would change what a closed statement says: the prices of
// its days. t is the tenant before the change, and next after it.
func CheckPrices(ctx context.Context, d *datadir.Dir, before, after *tenants.Tenant) error {
	newest, found, err := d.Statements.Newest(ctx, before.Number)
	if err != nil || !found {
		return err
	}
	month, err := statements.ParseMonth(newest.Month)
	if err != nil {
		return err
	}
	open := month.AddDate(0, 1, 0).Format(time.DateOnly)
	closed := func(t *tenants.Tenant) (list []tenants.Price) {
		for _, p := range t.Prices {
			if p.Since < open {
				list = append(list, p)
			}
		}
		return list
	}
	same := func(a, b tenants.Price) bool {
		return a.Since == b.Since && a.Micros == b.Micros && a.RecordMicros == b.RecordMicros && slices.Equal(a.Tiers, b.Tiers)
	}
	if slices.EqualFunc(closed(before), closed(after), same) {
		return nil
	}
	return failure.New(failure.Conflict, "the statement of %s for %s is closed, so prices before %s can't be changed; give a day from %s on, as in 0.002@%s", before.ClientID, newest.Month, open, open, open)
}

// None is the input of an operation that has no parameters.
type None struct{}

// Info is what a list shows of a closed statement.
type Info struct {
	Tenant   string       `json:"tenant"` // client_id; of an earlier tenant, client_id~number
	Name     string       `json:"name"`
	Month    string       `json:"month"`  // YYYY-MM
	Number   int64        `json:"number"` // of the tenant's statements: 1, 2, 3, …
	ClosedAt time.Time    `json:"closed_at"`
	Currency string       `json:"currency"` // by ISO 4217; "": the publisher's own unit
	Calls    int64        `json:"calls"`
	Records  int64        `json:"records"`
	Amount   usage.Amount `json:"amount"`
	Lines    int64        `json:"lines"` // of the ledger
	Hash     string       `json:"hash"`  // of the signed text, which the next statement contains
}

// infoOf returns what a list shows of a statement. tenant is the present name of its tenant.
func infoOf(c statements.Closed, tenant string) Info {
	return Info{tenant, c.Name, c.Month, c.Number, c.ClosedAt, c.Currency, c.Calls, c.Records, c.Amount, c.Lines, c.Hash}
}

// Query selects closed statements, the newest month first. An empty field does not limit it.
type Query struct {
	Tenant string `json:"tenant,omitempty"` // client_id; of an earlier tenant, client_id~number
	Month  string `json:"month,omitempty"`  // YYYY-MM
	After  string `json:"after,omitempty"`  // only those after this one: the Next of a page
	Limit  int    `json:"limit,omitempty"`  // 1 to 1,000; 0: 100
}

// Page is a part of the list of statements.
type Page struct {
	Statements []Info `json:"statements"`
	Next       string `json:"next,omitempty"` // the After of the next page; "": there is none
}

// List lists closed statements.
func List(ctx context.Context, d *datadir.Dir, q Query) (page Page, err error) {
	limit, err := paging.Limit(q.Limit, 100)
	if err != nil {
		return page, err
	}
	of := statements.Query{Month: q.Month, Limit: limit + 1}
	if _, err := statements.ParseMonth(q.Month); q.Month != "" && err != nil {
		return page, failure.Of(failure.Invalid, err)
	}
	if q.After != "" {
		var complete bool
		of.AfterMonth, of.AfterTenant, complete = strings.Cut(q.After, " ")
		if _, err := statements.ParseMonth(of.AfterMonth); err != nil || !complete {
			return page, failure.New(failure.Invalid, "after %.60q: must be the next of an earlier page", q.After)
		}
	}
	names, err := namesOf(ctx, d)
	if err != nil {
		return page, err
	}
	for number, name := range names {
		if name == q.Tenant {
			of.Owner = number
		}
	}
	if page.Statements = []Info{}; q.Tenant != "" && of.Owner == 0 {
		return page, nil
	}
	list, err := d.Statements.Store.Listed(ctx, of)
	if err != nil {
		return page, err
	}
	list, last := paging.Cut(list, limit)
	if last != nil {
		page.Next = last.Month + " " + last.Tenant
	}
	for _, c := range list {
		page.Statements = append(page.Statements, infoOf(c, cmp.Or(names[c.Owner], c.Tenant)))
	}
	return page, nil
}

// namesOf returns the names of all tenants that ever were, by number.
func namesOf(ctx context.Context, d *datadir.Dir) (map[uint32]string, error) {
	list, err := d.Statements.Store.EveryTenant(ctx)
	names := make(map[uint32]string, len(list))
	for _, a := range statements.Accounts(list) {
		names[a.Number] = a.Tenant
	}
	return names, err
}

// Name names a statement.
type Name struct {
	Tenant string `json:"tenant"`          // client_id; of an earlier tenant, client_id~number
	Month  string `json:"month,omitempty"` // YYYY-MM; empty: the month of today
}

// find returns a closed statement. If the month is still open, the error says when it closes.
func find(ctx context.Context, d *datadir.Dir, n Name) (statements.Closed, error) {
	month, err := statements.ParseMonth(n.Month)
	if err != nil {
		return statements.Closed{}, failure.Of(failure.Invalid, err)
	}
	c, err := d.Statements.Statement(ctx, n.Tenant, n.Month)
	if !errors.Is(err, statements.ErrNotFound) {
		return c, err
	}
	return c, notFound(ctx, d, n, month)
}

// notFound says why a tenant has no statement of a month.
func notFound(ctx context.Context, d *datadir.Dir, n Name, month time.Time) error {
	state, err := stateOf(ctx, d, month)
	switch {
	case err != nil:
		return err
	case state == Open:
		return failure.New(failure.Conflict, "%s is open until %s; `stile statement show %s %s` shows what it has so far", n.Month, statements.ClosesAt(month).Format("2006-01-02 15:04 MST"), n.Tenant, n.Month)
	case state == Due:
		return failure.New(failure.Conflict, "%s is due, but not closed yet: the server closes it within 5 minutes, or `stile statement close` does now", n.Month)
	case state == Unused:
		return failure.New(failure.NotFound, "there is no statement of %s for %s: nothing was used in that month or before it", n.Tenant, n.Month)
	}
	return failure.New(failure.NotFound, "there is no statement of %s for %s; `stile statement list` lists those that there are", n.Tenant, n.Month)
}

// Export says which statement to write, and how.
type Export struct {
	Tenant string       `json:"tenant"`           // client_id
	Month  string       `json:"month"`            // YYYY-MM
	Format files.Format `json:"format,omitempty"` // html, csv, json or ndjson; empty: json
}

// Exported says what was written.
type Exported struct {
	Statement Info         `json:"statement"`
	Format    files.Format `json:"format"`
}

// MediaTypes returns the media types of the files, by their format; "" is the default.
func MediaTypes() map[string]string {
	types := map[string]string{"": files.JSON.ContentType()}
	for _, f := range files.Formats() {
		types[string(f)] = f.ContentType()
	}
	return types
}

// Write writes a closed statement.
func Write(ctx context.Context, d *datadir.Dir, q Export, out io.Writer) (Exported, error) {
	f := files.JSON
	if q.Format != "" {
		var err error
		if f, err = files.ParseFormat(string(q.Format)); err != nil {
			return Exported{}, failure.Of(failure.Invalid, err)
		}
	}
	c, err := find(ctx, d, Name{q.Tenant, q.Month})
	if err != nil {
		return Exported{}, err
	}
	err = files.Write(out, f, c, func(fn func(statements.Line) error) error { return d.Statements.Lines(ctx, c, fn) })
	return Exported{infoOf(c, q.Tenant), f}, err
}

// Closing is the result of closing months.
type Closing struct {
	Closed []Info `json:"closed"`
	// The month that closes next, and when. Empty if nothing was ever used.
	Next     string    `json:"next,omitempty"`
	ClosesAt time.Time `json:"closes_at,omitzero"`
}

// Close closes the months that are due.
func Close(ctx context.Context, d *datadir.Dir, _ None) (Closing, error) {
	made, err := d.CloseDue(ctx)
	c := Closing{Closed: []Info{}}
	for _, s := range made {
		c.Closed = append(c.Closed, infoOf(statements.Closed{Statement: s, Hash: statements.Hash(s.Text())}, s.Tenant))
	}
	if err != nil {
		return c, err
	}
	next, found, err := d.Statements.Next(ctx)
	if found {
		c.Next, c.ClosesAt = statements.MonthOf(next), statements.ClosesAt(next)
	}
	return c, err
}

// DueMonths is what closing would close: months that are over.
type DueMonths struct {
	Months []string `json:"months"`
	// The month that closes next, and when. Empty if nothing was ever used.
	Next     string    `json:"next,omitempty"`
	ClosesAt time.Time `json:"closes_at,omitzero"`
}

// WouldClose is the preview of [Close].
func WouldClose(ctx context.Context, d *datadir.Dir, _ None) (any, error) {
	due := DueMonths{Months: []string{}}
	month, found, err := d.Statements.Next(ctx)
	if err != nil || !found {
		return due, err
	}
	for ; !d.Now().Before(statements.ClosesAt(month)); month = month.AddDate(0, 1, 0) {
		due.Months = append(due.Months, statements.MonthOf(month))
	}
	due.Next, due.ClosesAt = statements.MonthOf(month), statements.ClosesAt(month)
	return due, nil
}

// Version returns what the version of the list of statements is computed from: the last closed
// month.
func Version(ctx context.Context, d *datadir.Dir, _ None) (any, error) {
	return d.Statements.Store.LastClosed(ctx)
}

// LineName names a line of a statement: by its number, or by its token, which must have only one
// line then.
type LineName struct {
	Tenant string `json:"tenant"`          // client_id
	Month  string `json:"month"`           // YYYY-MM
	Line   int64  `json:"line,omitempty"`  // from 1, in the order of the files
	Token  string `json:"token,omitempty"` // its ID, as the files have it, or its jti
}

// Proven is a proof with what it is about.
type Proven struct {
	Line    int64  `json:"line"`
	Token   string `json:"token"`
	Day     string `json:"day"`
	Route   string `json:"route"`
	Calls   int64  `json:"calls"`
	Records int64  `json:"records"`
	Proof   string `json:"proof"`
}

// Prove returns the proof of a line.
func Prove(ctx context.Context, d *datadir.Dir, n LineName) (Proven, error) {
	c, err := find(ctx, d, Name{n.Tenant, n.Month})
	if err != nil {
		return Proven{}, err
	}
	if (n.Line == 0) == (n.Token == "") {
		return Proven{}, failure.New(failure.Invalid, "must name a line by its number or by its token, and not by both")
	}
	if n.Token != "" {
		if n.Line, err = lineOf(ctx, d, c, n.Token); err != nil {
			return Proven{}, err
		}
	}
	if n.Line < 1 || n.Line > c.Lines {
		return Proven{}, failure.New(failure.NotFound, "line %d: the statement has %d lines", n.Line, c.Lines)
	}
	p, err := d.Statements.Prove(ctx, c, n.Line-1)
	if err != nil {
		return Proven{}, err
	}
	l := p.Line
	return Proven{n.Line, l.Token.String(), l.DayText(), l.Route.String(), l.Calls, l.Records, p.String()}, nil
}

// lineOf returns the number of a token's only line.
func lineOf(ctx context.Context, d *datadir.Dir, c statements.Closed, name string) (int64, error) {
	id, err := tokenID(d, name)
	if err != nil {
		return 0, err
	}
	found, err := d.Statements.Find(ctx, c, id)
	switch {
	case err != nil:
		return 0, err
	case len(found) == 0:
		return 0, failure.New(failure.NotFound, "the token %s has no line in the statement of %s for %s", id, c.Tenant, c.Month)
	case len(found) > 1:
		numbers := make([]string, len(found))
		for i, n := range found {
			numbers[i] = fmt.Sprint(n + 1)
		}
		return 0, failure.New(failure.Conflict, "the token %s has %d lines, one for each day and route; name one by its number: %s", id, len(found), strings.Join(numbers, ", "))
	}
	return found[0] + 1, nil
}

// tokenID returns the ID of a token that is named by it, or by a jti of this server.
func tokenID(d *datadir.Dir, name string) (id tokens.ID, err error) {
	if b, err := hex.DecodeString(name); err == nil && len(b) == len(id) {
		return tokens.ID(b), nil
	}
	if len(name) != 22 || strings.ContainsAny(name, ". ") {
		return id, failure.New(failure.Invalid, "not a token's ID or jti: an ID has 32 hexadecimal digits, as in the lines of a statement, and a jti of this server has 22 letters, digits, - and _")
	}
	return tokens.NewID(d.Signer.Issuer, name), nil
}

// PublicKeys is the public keys that verify statements.
type PublicKeys struct {
	Keys []string `json:"keys"` // the one that signs first
	URL  string   `json:"url"`  // where they are published
}

// Keys returns the public keys.
func Keys(ctx context.Context, d *datadir.Dir, _ None) (PublicKeys, error) {
	keys, err := d.Statements.Keys(ctx)
	return PublicKeys{keys, d.Signer.Issuer + KeysPath}, err
}
