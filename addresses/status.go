package addresses

import "time"

// Status is the status of an address. The zero Status is blocked.
type Status uint8

// The statuses.
const (
	Blocked Status = iota
	Clear
	Crowded    // its new tokens start with a challenge
	Suspicious // more than twice over its bindings, under half of its challenges solved: a picture
)

func (s Status) String() string { return [...]string{"blocked", "clear", "crowded", "suspicious"}[s] }

// Verdict is the result of one event. The zero Verdict blocks.
type Verdict struct {
	Status        Status
	NewlyBlocked  bool   // this event blocked the address
	NewlyProposed bool   // this event proposed the address for a permanent block
	Observed      Status // the status by a rule that is observed and not enforced; see IsObserved
	IsObserved    bool   // Observed is set: its zero value is Blocked
	Level         uint8  // work level of the challenge
	Allowance     uint32 // records until the address is consulted again; 0: no limit
	Bindings      uint32 // bindings in the period
	Records       uint32 // records without a challenge in a day
	Issued        uint32 // challenges issued in the period
	Solved        uint32 // challenges solved in the period
	Limit         uint32 // the budget that it exceeds, for explanations
	Seen          uint32 // what was counted against Limit; 0: it is within its budgets
	OverRecords   bool   // Limit is a budget of records, not of bindings
	Shared        bool   // tenants or addresses share the budget
	State         State  // the state after the event
}

// statusOf returns the status of an address for a token that is about to deliver records. The
// counts of s must be up to date: see advance.
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
	over := p.statusOverBudget(v)
	v.Level = uint8(min(v.Issued/max(uint32(p.Bindings), 1), maxLevel))
	if p.ObserveCrowd {
		v.Observed, v.IsObserved = over, true
		return v
	}
	v.Status = over
	return v
}

// exceeded returns the budget that an address exceeds, of bindings or of records, and what was
// counted against it. If seen is 0, the address is within its budgets.
func (p Policy) exceeded(v Verdict, records uint32) (limit, seen uint32, overRecords bool) {
	switch {
	case v.Bindings > p.bindings():
		return p.bindings(), v.Bindings, false
	case p.Records > 0 && v.Records+records > p.records():
		return p.records(), v.Records + records, true
	}
	return 0, 0, false
}

// statusOverBudget returns the status of an address over its budget. It is suspicious, and gets
// pictures, if it is more than twice over its bindings and solves less than half of its challenges.
// The browsers of thousands of people behind one address solve their work, so these people must not
// be bothered with pictures because they are many.
func (p Policy) statusOverBudget(v Verdict) Status {
	if !p.shared && v.Bindings > 2*p.bindings() && v.Issued >= p.bindings() && 2*v.Solved < v.Issued {
		return Suspicious
	}
	return Crowded
}

// recordsPerBinding is the minimum budget of records a day for each binding of the budget. So
// `allow --bindings 5000` raises both budgets.
const recordsPerBinding = 15

// records returns the budget of records a day.
func (p Policy) records() uint32 {
	return max(p.Records, recordsPerBinding*uint32(p.Bindings)) * max(p.times, 1)
}

// bindings returns the budget of bindings in the period.
func (p Policy) bindings() uint32 { return uint32(p.Bindings) * max(p.times, 1) }

// minCorpusFactor is how many times an address's budget of records a corpus must contain for the
// budget to protect anything. A few ordinary visits read a smaller corpus completely.
const minCorpusFactor = 20

// For returns the policy for a corpus of a number of items. Records of a small corpus are not
// counted.
func (p Policy) For(items int) Policy {
	if items < minCorpusFactor*int(p.records()) {
		p.Records = 0
	}
	return p
}
