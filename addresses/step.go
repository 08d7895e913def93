package addresses

import "time"

// cleanPeriod is how long an address must go without a block for the next one to be
// a step shorter.
const cleanPeriod = 7 * 24 * time.Hour

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
		now.Issued = saturatingInc(now.Issued)
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
		s.LastStepBlocks = saturatingInc(s.LastStepBlocks)
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
	now.Solved = saturatingInc(now.Solved)
	return s, statusOf(s, p, at, 1)
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

// saturatingInc returns n + 1, or n if that is the largest number of its type.
func saturatingInc[T uint8 | uint16](n T) T {
	if n == ^T(0) {
		return n
	}
	return n + 1
}
