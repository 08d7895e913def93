// Package statements closes months: it makes a tenant's statement of a UTC month, which proves
// itself and never changes afterwards.
//
// A statement has the tenant's usage by day and route, the prices of the month and the amounts. It
// also has the root of a Merkle tree over its ledger lines, and the hash of the tenant's previous
// statement. Its text is signed as a note (golang.org/x/mod/sumdb/note). So whoever has the
// publisher's key can check that the lines add up to the amount, that none was changed since, and
// that one line belongs to it.
//
// A month closes [Delay] after its end. By then, no call can be counted in it any more: a token
// lives 24 hours at most, and the day of a call is that of the server's clock, which may be wrong
// by a day. The counts of the last tokens may still be in their states then. A [Store] reads the
// ledger and the states in one view, and a token is always in exactly one of them.
//
// Where to look: text.go has the signed text, key.go the signature, tree.go the Merkle tree and
// proofs, book.go the closing of a month, account.go the names and prices of tenants. Package
// statements/files writes and verifies the documented formats.
package statements

import (
	"fmt"
	"time"

	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// Statement is a tenant's statement of one UTC month. Its fields are those of the signed text, in
// the same order.
type Statement struct {
	Tenant   string       `json:"tenant"` // client_id, or client_id~number: see [tenants.Names]
	Name     string       `json:"name"`
	Month    string       `json:"month"`              // YYYY-MM
	Number   int64        `json:"number"`             // of the tenant's statements: 1, 2, 3, …
	ClosedAt time.Time    `json:"closed_at,omitzero"` // UTC, to the second; zero: not closed
	Currency string       `json:"currency"`           // by ISO 4217; "": the publisher's own unit
	Calls    int64        `json:"calls"`
	Records  int64        `json:"records"`
	Amount   usage.Amount `json:"amount"`
	Lines    int64        `json:"lines"`    // of the ledger
	Root     string       `json:"root"`     // of the Merkle tree over them, in base64
	Previous string       `json:"previous"` // [Hash] of the tenant's statement before; "": none
	Prices   []Price      `json:"prices"`   // in effect in the month, by day
	Rows     []Row        `json:"rows"`     // by day and route
}

// Row is what was used on one day through one route.
type Row struct {
	Day     string       `json:"day"` // YYYY-MM-DD, UTC
	Route   string       `json:"route"`
	Calls   int64        `json:"calls"`
	Records int64        `json:"records"`
	Amount  usage.Amount `json:"amount"`
}

// Price is what a call and a record cost from a day on.
type Price struct {
	Since  string       `json:"since"` // YYYY-MM-DD
	Call   usage.Amount `json:"call"`
	Record usage.Amount `json:"record"`
	Tiers  []Tier       `json:"tiers"` // by unit and number
}

// Tier is another price from the n-th call, or record, of the month on.
type Tier struct {
	Unit   tenants.Unit `json:"unit"`
	From   int64        `json:"from"`
	Amount usage.Amount `json:"amount"` // for each
}

// Delay is how long after its end a month closes. It is long enough that nothing is counted later:
// a token that was issued in the month has expired a day before, even if the clock was wrong by a
// day.
const Delay = 48 * time.Hour

const monthForm = "2006-01"

// MonthOf returns the UTC month of a time, YYYY-MM.
func MonthOf(t time.Time) string { return t.UTC().Format(monthForm) }

// ParseMonth returns the first moment of a month that is written YYYY-MM.
func ParseMonth(month string) (time.Time, error) {
	t, err := time.Parse(monthForm, month)
	if err != nil || t.Format(monthForm) != month {
		return time.Time{}, fmt.Errorf("month %.40q: must be YYYY-MM", month)
	}
	return t, nil
}

// ClosesAt returns when a month closes.
func ClosesAt(month time.Time) time.Time { return month.AddDate(0, 1, 0).Add(Delay) }

// Days returns the first and the last day of a month, as days since 1970-01-01.
func Days(month time.Time) (first, last int32) {
	end := month.AddDate(0, 1, 0)
	return int32(month.Unix() / 86400), int32(end.Unix()/86400) - 1
}

// Cost fills in the amounts of the rows, and the totals, from the prices. The rows must be in
// order.
func (s *Statement) Cost() error {
	lines := make([]usage.Line, len(s.Rows))
	for i, r := range s.Rows {
		lines[i] = usage.Line{Tenant: s.Tenant, Day: r.Day, Route: r.Route, Calls: r.Calls, Records: r.Records}
	}
	prices := s.prices()
	priced, err := usage.Statement(lines, func(string) []tenants.Price { return prices })
	if err != nil {
		return err
	}
	if len(priced) != len(s.Rows) {
		return fmt.Errorf("a day and route has more than one row")
	}
	s.Calls, s.Records, s.Amount = 0, 0, 0
	for i, p := range priced {
		r := &s.Rows[i]
		if p.Day != r.Day || p.Route != r.Route {
			return fmt.Errorf("the row of %s, %s: is not in its place", r.Day, r.Route)
		}
		r.Amount = p.Amount
		s.Calls += r.Calls
		s.Records += r.Records
		var ok bool
		if s.Amount, ok = s.Amount.Add(r.Amount); !ok {
			return fmt.Errorf("the amount of %s in %s is out of range", s.Tenant, s.Month)
		}
	}
	return nil
}

// Preliminary returns the statement of an open month, from what was used in it so far. It has no
// lines and no root, and can't be signed.
func Preliminary(a Account, month time.Time, lines []usage.Line) (Statement, error) {
	s := Statement{Tenant: a.Tenant, Name: a.Name, Month: MonthOf(month), Currency: a.Currency, Rows: []Row{}}
	s.setPrices(a.Prices)
	// without prices, it only adds up and sorts
	rows, err := usage.Statement(lines, func(string) []tenants.Price { return nil })
	if err != nil {
		return s, err
	}
	for _, r := range rows {
		s.Rows = append(s.Rows, Row{Day: r.Day, Route: r.Route, Calls: r.Calls, Records: r.Records})
	}
	return s, s.Cost()
}

// prices returns the prices in the form that amounts are computed from.
func (s *Statement) prices() []tenants.Price {
	list := make([]tenants.Price, len(s.Prices))
	for i, p := range s.Prices {
		list[i] = tenants.Price{Since: p.Since, Micros: int64(p.Call), RecordMicros: int64(p.Record)}
		for _, t := range p.Tiers {
			list[i].Tiers = append(list[i].Tiers, tenants.Tier{Unit: t.Unit, From: t.From, Micros: int64(t.Amount)})
		}
	}
	return list
}

// setPrices sets the prices that were in effect in the month: the last one before it, and those of
// its days.
func (s *Statement) setPrices(all []tenants.Price) {
	s.Prices = []Price{}
	first, last := s.Month+"-01", s.Month+"-31"
	for i, p := range all {
		if p.Since > last || i+1 < len(all) && all[i+1].Since <= first {
			continue
		}
		view := Price{Since: p.Since, Call: usage.Amount(p.Micros), Record: usage.Amount(p.RecordMicros), Tiers: []Tier{}}
		for _, t := range p.Tiers {
			view.Tiers = append(view.Tiers, Tier{t.Unit, t.From, usage.Amount(t.Micros)})
		}
		s.Prices = append(s.Prices, view)
	}
}
