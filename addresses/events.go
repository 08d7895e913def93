package addresses

import "time"

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
