package addresses

import "time"

// Status is how an address stands. The zero Standing is blocked.
type Status uint8

// The standings.
const (
	Blocked Status = iota
	Clear
	Crowded    // a new token starts with a challenge
	Suspicious // twice over its budget, and half of its challenges unsolved: with a picture
)

func (s Status) String() string { return [...]string{"blocked", "clear", "crowded", "suspicious"}[s] }

// Verdict is the answer to one event. The zero Verdict blocks.
type Verdict struct {
	Status       Status
	NewlyBlocked bool   // this event blocked the address
	Observed     Status // what it would stand at, by a rule that is only observed; Blocked if Would
	IsObserved   bool   // Observed is set
	Level        uint8  // how dear a crowd's work is
	Allowance    uint32 // records that the token may deliver before it draws again; 0: all
	Bindings     uint32 // bindings in the period
	Records      uint32 // delivered without a challenge in a day
	Issued       uint32 // challenges asked of the crowd in the period
	Solved       uint32 // and solved
	Limit        uint32 // the budget that it is over, for explaining it
	Seen         uint32 // what was counted against that; 0: it is within its budgets
	OverRecords  bool   // the budget is of records, not of bindings
	Shared       bool   // the budget is shared by tenants or by addresses
	State        State  // after the event
}

// statusOf is how an address stands, whose counts are up to date, towards a token
// that is to deliver records.
func statusOf(s State, p Policy, at time.Time, records uint32) Verdict {
	v := Verdict{Status: Clear}
	v.Bindings = s.bound()
	for n, c := range s.Counts {
		v.Issued += uint32(c.Issued)
		v.Solved += uint32(c.Solved)
		v.Records += s.Records[n]
	}
	switch {
	case s.blocked(at) && p.ObserveBlock:
		v.Observed, v.IsObserved = Blocked, true
	case s.blocked(at):
		v.Status = Blocked
		return v
	}
	if v.Limit, v.Seen, v.OverRecords = p.exceeded(v, records); v.Seen == 0 {
		return v
	}
	v.Shared = p.shared
	crowd := p.statusOverBudget(v)
	v.Level = uint8(min(v.Issued/max(uint32(p.Bindings), 1), maxLevel))
	if p.ObserveCrowd {
		v.Observed, v.IsObserved = crowd, true
		return v
	}
	v.Status = crowd
	return v
}

// exceeded is the budget that an address is over: of bindings, or of records.
func (p Policy) exceeded(v Verdict, records uint32) (limit, seen uint32, drained bool) {
	switch {
	case v.Bindings > p.bindings():
		return p.bindings(), v.Bindings, false
	case p.Records > 0 && v.Records+records > p.records():
		return p.records(), v.Records + records, true
	}
	return 0, 0, false
}

// statusOverBudget is what an address is that is over its budget. A picture is for the crowd that is twice over it and solves no more
// than half of its work: thousands of people behind one address solve theirs,
// and are not to be bothered for being many.
func (p Policy) statusOverBudget(v Verdict) Status {
	if !p.shared && v.Bindings > 2*p.bindings() && v.Issued >= p.bindings() && 2*v.Solved < v.Issued {
		return Suspicious
	}
	return Crowded
}

// recordsPerBinding is how many records a day each binding of a raised budget brings
// with it: so `allow --bindings 5000` raises both.
const recordsPerBinding = 15

func (p Policy) records() uint32 {
	return max(p.Records, recordsPerBinding*uint32(p.Bindings)) * max(p.times, 1)
}

func (p Policy) bindings() uint32 { return uint32(p.Bindings) * max(p.times, 1) }

// minCorpusFactor is how many times an address's budget of records a corpus must have
// for the budget to protect anything: a smaller one is read whole by a few
// honest visits.
const minCorpusFactor = 20

// For is the policy for a corpus of so many items: of a small one, records are
// not counted.
func (p Policy) For(items int) Policy {
	if items < minCorpusFactor*int(p.records()) {
		p.Records = 0
	}
	return p
}
