package tokens

import "time"

// Policy is what tokens are allowed. Every limit must be > 0.
type Policy struct {
	Calls      uint32        // calls that a token is good for
	Records    uint32        // items that it may deliver
	BindWithin time.Duration // time from its issue to its first call

	Binding          Mode          // what the first call binds a token to
	KillOnForeignKey bool          // a call by another key kills a token that is bound to a key
	RoamAddresses    uint8         // addresses, within RoamPer, of a token that is bound to a key; at most MaxRoaming
	RoamPer          time.Duration // whole seconds

	SpikeCalls       uint32        // calls within SpikePer before a challenge
	SpikeSuggestions uint32        // the same for suggestions
	SpikePer         time.Duration // whole seconds

	Ladder   []Kind        // kind of the first challenge, the second, …; the last stays. Not empty
	Ignored  uint8         // calls with a challenge open before the token dies
	PerToken uint16        // challenges in a token's life, solved or not
	Expires  time.Duration // time to solve one

	Observe Observe
}

// Observe names rules that are decided and told, and not enforced.
type Observe struct{ Hijack, Spike bool }
