// Package usage computes what tenants used: calls and records by UTC day and route.
//
// The counts are in the states of tokens, where they become durable with the call that they count,
// and in the ledger once a token has been dead for long. This package computes statements and the
// monthly quota from them.
package usage

import "time"

// Line is what one tenant used on one day through one route.
type Line struct {
	Tenant  string // client_id
	Day     string // YYYY-MM-DD, UTC
	Route   string // as tokens.Route
	Calls   int64
	Records int64
}

// Day returns the name of t's UTC day.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
