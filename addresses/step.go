package addresses

import "time"

// cleanPeriod is the time without a block after which the next block is a step shorter.
const cleanPeriod = 7 * 24 * time.Hour

// Step applies one event to the state of a scope. It is pure: the same arguments always give the
// same results. An event that it does not know blocks.
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

// bind counts a binding, and blocks the address if too few of its challenges are solved. During a
// block nothing is counted, because otherwise refused calls would prolong the block.
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

// allowanceStep is the unit of allowances after a token's first call, in records. It is about a
// page of items: the address is not consulted at every call, and few records are counted that are
// never delivered.
const allowanceStep = 25

// deliver counts the records of a token that was bound before. During a block, a token that was
// checked before may continue, but must solve the most expensive work for each further allowance.
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

// allowancePerChallenge is the allowance for solving a challenge, in records: more than most visits
// need.
const allowancePerChallenge = 100

// grant sets the allowance: from the budget while the address is within it, and otherwise for
// solving a challenge.
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

// maxLevel is the highest work level that an address calls for.
const maxLevel = 2

// issued counts a challenge. During a block it does not, because otherwise the block would lead to
// the next one.
func issued(s State, p Policy, at time.Time) (State, Verdict) {
	if !s.blocked(at) || p.ObserveBlock {
		s = advance(s, p, at)
		now := s.now()
		now.Issued = saturatingInc(now.Issued)
	}
	return s, statusOf(s, p, at, 1)
}

// solvesTooFew reports whether too few challenges of a crowded address are solved. People's
// browsers solve them; a script does not, or pays for the work. A shared budget never leads to a
// block.
func (p Policy) solvesTooFew(v Verdict) bool {
	return !p.shared && v.Issued >= p.bindings() && float64(v.Solved) < p.SolveRatio*float64(v.Issued)
}

// block blocks the address for the next length of Policy.Block, and resets the counts of bindings
// and challenges.
func block(s State, p Policy, at time.Time, v Verdict) (State, Verdict) {
	if p.ObserveBlock {
		v.Observed, v.IsObserved = Blocked, true
		return s, v
	}
	s = s.withStepsDecayed(at)
	proposed := s.Propose
	last := uint8(len(p.Block) - 1)
	step := min(s.Step, last)
	s.Until = at.Add(p.Block[step]).Unix()
	if step == last {
		s.LastStepBlocks = saturatingInc(s.LastStepBlocks)
		s.Propose = p.PermanentAfter == 0
		if p.PermanentAfter > 0 && s.LastStepBlocks > p.PermanentAfter {
			s.Until = Forever
		}
	}
	s.Step, s.Counts, s.Repeats = min(step+1, last), [Buckets]Count{}, [Buckets]uint16{}
	v.Status, v.NewlyBlocked, v.NewlyProposed, v.Level, v.Allowance = Blocked, true, s.Propose && !proposed, 0, 0
	return s, v
}

// withStepsDecayed returns the state with one step less for each cleanPeriod since the last block.
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

// solved counts a solved challenge.
func solved(s State, p Policy, at time.Time) (State, Verdict) {
	s = advance(s, p, at)
	now := s.now()
	now.Solved = saturatingInc(now.Solved)
	return s, statusOf(s, p, at, 1)
}

// blocked reports whether the address is blocked at a time.
func (s State) blocked(at time.Time) bool { return at.Unix() < s.Until }

// dayBucket is the length of a day bucket in seconds, a fifth of a day. With the running one, the
// stored buckets never cover less than a day.
const dayBucket = 24 * 60 * 60 / (Buckets - 1)

// advance drops the buckets that are older than the period, and the day buckets that are older than
// a day. A clock that was set back drops nothing.
func advance(s State, p Policy, at time.Time) State {
	bucket := at.Unix() / int64(p.Per/time.Second/Buckets)
	advanceRing(&s.Repeats, s.Bucket, bucket)
	advanceRing(&s.Keys, s.Bucket, bucket)
	s.Bucket = advanceRing(&s.Counts, s.Bucket, bucket)
	s.DayBucket = advanceRing(&s.Records, s.DayBucket, at.Unix()/dayBucket)
	return s
}

// advanceRing empties the buckets after last, up to now, and returns the number of the newest
// bucket.
func advanceRing[T any](ring *[Buckets]T, last, now int64) int64 {
	for n := max(last+1, now-Buckets+1); n <= now; n++ {
		ring[n%Buckets] = *new(T)
	}
	return max(last, now)
}

// now returns the counts of the newest bucket.
func (s *State) now() *Count { return &s.Counts[s.Bucket%Buckets] }

// saturatingInc returns n + 1, or n if that is the largest number of its type.
func saturatingInc[T uint8 | uint16](n T) T {
	if n == ^T(0) {
		return n
	}
	return n + 1
}
