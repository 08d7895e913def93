package tokens

import "time"

// Policy holds the limits of tokens. Every limit must be > 0.
type Policy struct {
	Calls      uint32        // calls of one token
	Records    uint32        // records that one token may deliver
	BindWithin time.Duration // maximum time from the issue of a token to its first call

	Binding          Mode          // what the first call binds a token to
	KillOnForeignKey bool          // a call with another key kills a key-bound token
	RoamAddresses    uint8         // addresses of a key-bound token within RoamPer; at most MaxRoaming
	RoamPer          time.Duration // whole seconds

	SpikeCalls       uint32        // calls within SpikePer; one more leads to a challenge
	SpikeSuggestions uint32        // the same for suggestions
	SpikePer         time.Duration // whole seconds

	Ladder   []Kind        // kinds of the first, second, … challenge; the last repeats. Not empty
	Ignored  uint8         // calls that may ignore an open challenge; one more kills the token
	PerToken uint16        // challenges in a token's life, solved or not; one more kills the token
	Expires  time.Duration // time to solve a challenge

	Observe Observe
}

// Observe lists the rules that are evaluated and recorded but not enforced.
type Observe struct{ Hijack, Spike bool }
