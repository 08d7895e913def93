package addresses

import "time"

// Policy is what one scope is allowed: see [Policy.Apply].
type Policy struct {
	Bindings       uint16          // tokens that it may bind within Per
	Per            time.Duration   // at least Slices seconds
	Records        uint32          // items that its tokens may deliver in a day before it is crowded; 0: not counted
	Then           Then            // what becomes of one that binds more
	SolveRatio     float64         // of the challenges asked, how many a crowd of people solves
	Block          []time.Duration // the first block, the second, …; the last stays. Not empty
	PermanentAfter uint8           // blocks of the last length before one for good; 0: a person decides
	ObserveCrowd   bool
	ObserveBlock   bool

	shared bool   // the budget is of many addresses or of all tenants: see budgets.go
	times  uint32 // how many addresses' budgets it is; 0 and 1: one
	within uint8  // prefix length of the allowed range whose budget it is; 0: none
}

// Then is what becomes of an address over its budget.
type Then uint8

// What may become of it, in the contract's words.
const (
	ThenChallenge Then = iota
	ThenBlock
)
