// Package usage is what tenants used: calls and records by UTC day and route.
//
// The counts themselves are in the states of tokens, where they become durable
// with the call that they count, and in the ledger when a token is long dead.
// Here is what is asked of them: statements, and the month's quota.
package usage

import "time"

// Line is what one tenant used on one day by one route.
type Line struct {
	Tenant  string // client_id
	Day     string // YYYY-MM-DD, UTC
	Route   string // as tokens.Route
	Calls   int64
	Records int64
}

// Day is the name of t's UTC day.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
