package addresses

import "time"

// Slices is how many parts a period is counted in. What is older than a period
// is forgotten a part at a time, so a count is of the last 5/6 to 6/6 of it.
const Slices = 6

// State is all that is remembered about one address, as [Normal] gives it. The
// zero State is an address that was never seen. It holds no pointers, and it
// is comparable.
type State struct {
	Slice   int64         // number of the newest slice since 1970
	Counts  [Slices]Count // by slice number modulo Slices
	Until   int64         // Unix seconds at which its block ends; 0: none, Forever: by a person only
	Step    uint8         // which of Policy.Block the next block lasts
	AtLast  uint8         // blocks of the last length so far
	Propose bool          // blocked so often that a person should look
}

// Count is what happened at an address in a slice of the period.
type Count struct{ Bound, Asked, Solved uint16 }

// Forever is State.Until of a block that only a person lifts.
const Forever = int64(1) << 62

// Policy is what an address is allowed.
type Policy struct {
	Bindings       uint16          // tokens that it may bind within Per
	Per            time.Duration   // at least Slices seconds
	Then           Then            // what becomes of one that binds more
	SolveRatio     float64         // of the challenges asked, how many a crowd of people solves
	Block          []time.Duration // the first block, the second, …; the last stays. Not empty
	PermanentAfter uint8           // blocks of the last length before one for good; 0: a person decides
	ObserveCrowd   bool
	ObserveBlock   bool
}

// Then is what becomes of an address over its budget.
type Then uint8

// What may become of it, in the contract's words.
const (
	ThenChallenge Then = iota
	ThenBlock
)

// clean is how long an address must go without a block for the next one to be
// a step shorter.
const clean = 7 * 24 * time.Hour

// An Event is something that happens at an address: [Bind], [Solved], [Look],
// [Lift].
type Event interface{ event() }

// Bind is a token that is bound to the address.
type Bind struct{ At time.Time }

// Look asks how the address stands, for a token that was bound before.
type Look struct{ At time.Time }

// Solved is a challenge of a crowd's that was solved.
type Solved struct{ At time.Time }

// Lift is a person who ends the block, and gives the address a clean sheet.
type Lift struct{}

func (Bind) event()   {}
func (Look) event()   {}
func (Solved) event() {}
func (Lift) event()   {}

// Standing is how an address stands. The zero Standing is blocked.
type Standing uint8

// The standings.
const (
	Blocked Standing = iota
	Clear
	Crowded // a new token starts with a challenge
	Packed  // twice over its budget: with a picture
)

func (s Standing) String() string { return [...]string{"blocked", "clear", "crowded", "packed"}[s] }

// Verdict is the answer to one event. The zero Verdict blocks.
type Verdict struct {
	Standing Standing
	Offence  bool     // this event blocked the address
	Observed Standing // what it would stand at, by a rule that is only observed; Blocked if Would
	Would    bool     // Observed is set
	Level    uint8    // how dear a crowd's work is
	Bound    uint32   // bindings in the period
	Asked    uint32   // challenges asked of the crowd in the period
	Answered uint32   // and solved
	State    State    // after the event
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
		return bind(s, p, e.At)
	case Look:
		return s, stand(roll(s, p, e.At), p, e.At)
	case Solved:
		return solved(s, p, e.At)
	case Lift:
		return State{}, Verdict{Standing: Clear}
	}
	return s, Verdict{}
}

// bind counts a binding. Refusals are not counted, or a block would feed itself.
func bind(s State, p Policy, at time.Time) (State, Verdict) {
	if s.blocked(at) && !p.ObserveBlock {
		return s, stand(s, p, at)
	}
	s = roll(s, p, at)
	now := s.now()
	now.Bound = up(now.Bound)
	v := stand(s, p, at)
	if v.Bound <= uint32(p.Bindings) {
		return s, v
	}
	if p.Then == ThenBlock || p.ignored(v) {
		return block(s, p, at, v)
	}
	if v.Standing == Crowded || v.Standing == Packed {
		now.Asked = up(now.Asked)
	}
	return s, v
}

// ignored says that the crowd's challenges are asked in vain: people solve
// them, a script does not, or pays.
func (p Policy) ignored(v Verdict) bool {
	return v.Asked >= uint32(p.Bindings) && float64(v.Answered) < p.SolveRatio*float64(v.Asked)
}

// block refuses the address for a while. It begins the counts anew.
func block(s State, p Policy, at time.Time, v Verdict) (State, Verdict) {
	if p.ObserveBlock {
		v.Observed, v.Would = Blocked, true
		return s, v
	}
	s = s.calmed(at)
	last := uint8(len(p.Block) - 1)
	step := min(s.Step, last)
	s.Until = at.Add(p.Block[step]).Unix()
	if step == last {
		s.AtLast = up8(s.AtLast)
		s.Propose = p.PermanentAfter == 0
		if p.PermanentAfter > 0 && s.AtLast > p.PermanentAfter {
			s.Until = Forever
		}
	}
	s.Step, s.Counts = min(step+1, last), [Slices]Count{}
	v.Standing, v.Offence, v.Level = Blocked, true, 0
	return s, v
}

// calmed takes back a step for each week that went by since the last block.
func (s State) calmed(at time.Time) State {
	if s.Until == 0 {
		return s
	}
	for weeks := (at.Unix() - s.Until) / int64(clean/time.Second); weeks > 0 && s.Step > 0; weeks-- {
		s.Step--
		s.AtLast, s.Propose = 0, false
	}
	return s
}

func solved(s State, p Policy, at time.Time) (State, Verdict) {
	s = roll(s, p, at)
	now := s.now()
	now.Solved = up(now.Solved)
	return s, stand(s, p, at)
}

// stand is how an address stands whose counts are up to date.
func stand(s State, p Policy, at time.Time) Verdict {
	v := Verdict{Standing: Clear}
	for _, c := range s.Counts {
		v.Bound += uint32(c.Bound)
		v.Asked += uint32(c.Asked)
		v.Answered += uint32(c.Solved)
	}
	budget := uint32(p.Bindings)
	switch {
	case s.blocked(at) && p.ObserveBlock:
		v.Observed, v.Would = Blocked, true
	case s.blocked(at):
		v.Standing = Blocked
		return v
	}
	if v.Bound <= budget {
		return v
	}
	v.Level = uint8(min(v.Asked/max(budget, 1), 2))
	crowd := Crowded
	if v.Bound > 2*budget {
		crowd = Packed
	}
	if p.ObserveCrowd {
		v.Observed, v.Would = crowd, true
		return v
	}
	v.Standing = crowd
	return v
}

func (s State) blocked(at time.Time) bool { return at.Unix() < s.Until }

// roll forgets the slices that are older than the period. A clock that was set
// back forgets nothing.
func roll(s State, p Policy, at time.Time) State {
	slice := at.Unix() / int64(p.Per/time.Second/Slices)
	for n := max(s.Slice+1, slice-Slices+1); n <= slice; n++ {
		s.Counts[n%Slices] = Count{}
	}
	s.Slice = max(s.Slice, slice)
	return s
}

func (s *State) now() *Count { return &s.Counts[s.Slice%Slices] }

func up(n uint16) uint16 { return n + 1 - n/0xffff }

func up8(n uint8) uint8 { return n + 1 - n/0xff }
