package addresses

import "time"

// Policy holds the budgets of one scope: see [Policy.Apply].
type Policy struct {
	Bindings       uint16          // tokens that may be bound within Per
	Per            time.Duration   // at least Buckets seconds
	Records        uint32          // records without a challenge in a day; 0: not counted
	Then           Then            // action for an address over its binding budget
	SolveRatio     float64         // minimum share of issued challenges that must be solved
	Block          []time.Duration // lengths of the 1st, 2nd, … block; the last repeats. Not empty
	PermanentAfter uint8           // blocks of the last length before a permanent one; 0: never
	ObserveCrowd   bool            // record that an address is crowded, without challenges
	ObserveBlock   bool            // record that an address would be blocked, without blocking

	shared bool   // the budget is shared by many addresses or all tenants: see budgets.go
	times  uint32 // how many addresses' budgets the scope has; 0 and 1: one
	within uint8  // prefix length of the allowed range whose budget this is; 0: none
}

// Then is the action for an address over its binding budget.
type Then uint8

// The actions, in the contract's words.
const (
	ThenChallenge Then = iota
	ThenBlock
)
