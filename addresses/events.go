package addresses

import "time"

// An Event is something that happens at an address: [Bind], [Deliver], [Issued], [Solved],
// [Inspect] or [Lift].
type Event interface{ event() }

// Bind is the binding of a token to the address, or to a key at the address. The token's first call
// is about to deliver Records records.
type Bind struct {
	At      time.Time
	Key     [16]byte // name of the key, with uniformly distributed bits; zero: address-bound
	Person  [16]byte // name of the person who uses the token, like Key; zero: not known
	Records uint32
}

// Deliver is a call of a token that was bound before. The call is about to deliver Records records
// beyond the token's allowance.
type Deliver struct {
	At      time.Time
	Records uint32
	Checked bool // an address was consulted about the token before: it may continue during a block
	first   bool // it is the token's first call, whose records are counted exactly
}

// Issued is a challenge that a token's step issued because of the address.
type Issued struct {
	At     time.Time
	Shared bool // a shared budget led to it
}

// Solved is the solution of such a challenge.
type Solved struct {
	At     time.Time
	Shared bool // a shared budget had led to it
}

// Inspect reads the status of the address, and changes nothing.
type Inspect struct{ At time.Time }

// Lift is an operator who lifts the block. It resets the whole state.
type Lift struct{}

func (Bind) event()    {}
func (Deliver) event() {}
func (Issued) event()  {}
func (Solved) event()  {}
func (Inspect) event() {}
func (Lift) event()    {}
