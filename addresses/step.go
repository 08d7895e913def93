package addresses

import "time"

// Buckets is how many parts a period is counted in. What is older than a period
// is forgotten a part at a time, so a count is of the last 5/6 to 6/6 of it.
const Buckets = 6

// State is all that is remembered about one address, as [Canonical] gives it. The
// zero State is an address that was never seen. It holds no pointers, and it
// is comparable.
type State struct {
	Bucket         int64              // number of the newest slice since 1970
	Counts         [Buckets]Count     // by slice number modulo Slices
	DayBucket      int64              // number of the newest part of a day since 1970
	Records        [Buckets]uint32    // delivered without a challenge, by part number modulo Slices
	Until          int64              // Unix seconds at which its block ends; 0: none, Forever: by a person only
	Step           uint8              // which of Policy.Block the next block lasts
	LastStepBlocks uint8              // blocks of the last length so far
	Propose        bool               // blocked so often that a person should look
	Repeats        [Buckets]uint16    // bindings by keys that were known, by slice number modulo Slices
	Keys           [Buckets]KeyFilter // that bound a token, by slice number modulo Slices
}

// Count is what happened at an address in a slice of the period.
type Count struct{ Bound, Issued, Solved uint16 }

// Forever is State.Until of a block that only a person lifts.
const Forever = int64(1) << 62

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

// cleanPeriod is how long an address must go without a block for the next one to be
// a step shorter.
const cleanPeriod = 7 * 24 * time.Hour

// An Event is something that happens at an address: [Bind], [Deliver], [Issued],
// [Solved], [Inspect], [Lift].
type Event interface{ event() }

// Bind is a token that was bound at the address: to the address, or to a key.
// Its first call is to deliver Records items.
type Bind struct {
	At      time.Time
	Key     [16]byte // a name of the key, of which each bit is as good as random; zero: none
	Records uint32
}

// Deliver is a token bound before, that is to deliver Records items more than it
// has leave for.
type Deliver struct {
	At      time.Time
	Records uint32
	Checked bool // the address was consulted about the token before: it continues during a block
	first   bool // it is the token's first call, which is counted exactly
}

// Issued is a challenge that the address called for, and that a token's step
// has opened.
type Issued struct {
	At     time.Time
	Shared bool // a shared budget called for it
}

// Inspect asks how the address stands.
type Inspect struct{ At time.Time }

// Solved is a challenge of a crowd's that was solved.
type Solved struct {
	At     time.Time
	Shared bool // a shared budget had called for it
}

// Lift is a person who ends the block, and gives the address a clean sheet.
type Lift struct{}

func (Bind) event()    {}
func (Deliver) event() {}
func (Issued) event()  {}
func (Inspect) event() {}
func (Solved) event()  {}
func (Lift) event()    {}

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

// Step applies one event to an address. It is pure, as tokens.Step is.
func Step(s State, p Policy, e Event) (State, Verdict) {
	next, v := step(s, p, e)
	v.State = next
	return next, v
}

func step(s State, p Policy, e Event) (State, Verdict) {
	switch e := e.(type) {
	case Bind:
		return bind(s, p, e)
	case Deliver:
		return deliver(s, p, e)
	case Inspect:
		return s, statusOf(advance(s, p, e.At), p, e.At, 1)
	case Issued:
		return issued(s, p, e.At)
	case Solved:
		return solved(s, p, e.At)
	case Lift:
		return State{}, Verdict{Status: Clear}
	}
	return s, Verdict{}
}

// bind counts a binding, and blocks the address if its challenges are ignored.
// Refusals are not counted, or a block would feed itself.
func bind(s State, p Policy, e Bind) (State, Verdict) {
	if s.blocked(e.At) && !p.ObserveBlock {
		return s, statusOf(s, p, e.At, e.Records)
	}
	s = advance(s, p, e.At)
	s.count(e)
	if v := statusOf(s, p, e.At, e.Records); p.Then == ThenBlock && !p.shared && v.Bindings > p.bindings() {
		return block(s, p, e.At, v)
	}
	s, v := grant(s, p, e.At, max(e.Records, 1))
	if (v.Status == Crowded || v.Status == Suspicious) && p.solvesTooFew(v) {
		return block(s, p, e.At, v)
	}
	return s, v
}

// allowanceStep is how many records a token is given leave for at a time, once it
// goes on after its first call: a page or so, so that its address is not asked
// at every call, nor charged for much that is never fetched.
const allowanceStep = 25

// deliver counts what a token goes on to deliver. During a block a token that was
// cleared before pays for it as in a crowd, by the most expensive work.
func deliver(s State, p Policy, e Deliver) (State, Verdict) {
	if s.blocked(e.At) && !p.ObserveBlock {
		v := statusOf(s, p, e.At, e.Records)
		if e.Checked {
			v.Status, v.Level, v.Allowance, v.Shared = Crowded, maxLevel, max(e.Records, allowancePerChallenge), true
		}
		return s, v
	}
	records := max(e.Records, 1)
	if !e.first {
		records = (records + allowanceStep - 1) / allowanceStep * allowanceStep
	}
	return grant(advance(s, p, e.At), p, e.At, records)
}

// allowancePerChallenge is how many records a token is given leave for by a challenge that it
// solves: more than most visits take.
const allowancePerChallenge = 100

// grant gives leave for records: from the budget, else for a challenge.
func grant(s State, p Policy, at time.Time, records uint32) (State, Verdict) {
	v := statusOf(s, p, at, records)
	if p.Records > 0 && v.Status == Clear && !v.IsObserved {
		s.Records[s.DayBucket%Buckets] += records
		v.Allowance = records
	} else if p.Records > 0 {
		v.Allowance = max(records, allowancePerChallenge)
	}
	return s, v
}

// maxLevel is the most expensive work that an address calls for.
const maxLevel = 2

// issued counts a challenge that was opened. During a block none is counted, or
// the block would feed the next one.
func issued(s State, p Policy, at time.Time) (State, Verdict) {
	if !s.blocked(at) || p.ObserveBlock {
		s = advance(s, p, at)
		now := s.now()
		now.Issued = up(now.Issued)
	}
	return s, statusOf(s, p, at, 1)
}

// solvesTooFew reports whether the crowd leaves too many challenges unsolved: people
// solve them; a script does not, or pays. A shared budget never leads to a block.
func (p Policy) solvesTooFew(v Verdict) bool {
	return !p.shared && v.Issued >= p.bindings() && float64(v.Solved) < p.SolveRatio*float64(v.Issued)
}

// block refuses the address for a while. It begins the counts anew.
func block(s State, p Policy, at time.Time, v Verdict) (State, Verdict) {
	if p.ObserveBlock {
		v.Observed, v.IsObserved = Blocked, true
		return s, v
	}
	s = s.withStepsDecayed(at)
	last := uint8(len(p.Block) - 1)
	step := min(s.Step, last)
	s.Until = at.Add(p.Block[step]).Unix()
	if step == last {
		s.LastStepBlocks = up8(s.LastStepBlocks)
		s.Propose = p.PermanentAfter == 0
		if p.PermanentAfter > 0 && s.LastStepBlocks > p.PermanentAfter {
			s.Until = Forever
		}
	}
	s.Step, s.Counts, s.Repeats = min(step+1, last), [Buckets]Count{}, [Buckets]uint16{}
	v.Status, v.NewlyBlocked, v.Level, v.Allowance = Blocked, true, 0, 0
	return s, v
}

// withStepsDecayed takes back a step for each week that went by since the last block.
func (s State) withStepsDecayed(at time.Time) State {
	if s.Until == 0 {
		return s
	}
	for weeks := (at.Unix() - s.Until) / int64(cleanPeriod/time.Second); weeks > 0 && s.Step > 0; weeks-- {
		s.Step--
		s.LastStepBlocks, s.Propose = 0, false
	}
	return s
}

func solved(s State, p Policy, at time.Time) (State, Verdict) {
	s = advance(s, p, at)
	now := s.now()
	now.Solved = up(now.Solved)
	return s, statusOf(s, p, at, 1)
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

func (s State) blocked(at time.Time) bool { return at.Unix() < s.Until }

// part is a fifth of a day: with the one that is running, the parts that are
// remembered are never less than a day.
const part = 24 * 60 * 60 / (Buckets - 1)

// advance forgets the slices that are older than the period, and the parts that
// are older than a day. A clock that was set back forgets nothing.
func advance(s State, p Policy, at time.Time) State {
	slice := at.Unix() / int64(p.Per/time.Second/Buckets)
	advanceRing(&s.Repeats, s.Bucket, slice)
	advanceRing(&s.Keys, s.Bucket, slice)
	s.Bucket = advanceRing(&s.Counts, s.Bucket, slice)
	s.DayBucket = advanceRing(&s.Records, s.DayBucket, at.Unix()/part)
	return s
}

// advanceRing empties what has come round again since the ring was last turned.
func advanceRing[T any](ring *[Buckets]T, last, now int64) int64 {
	for n := max(last+1, now-Buckets+1); n <= now; n++ {
		ring[n%Buckets] = *new(T)
	}
	return max(last, now)
}

func (s *State) now() *Count { return &s.Counts[s.Bucket%Buckets] }

func up(n uint16) uint16 { return n + 1 - n/0xffff }

func up8(n uint8) uint8 { return n + 1 - n/0xff }
