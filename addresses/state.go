package addresses

// Buckets is how many buckets a period is counted in. Counts are dropped one bucket at a time, so a
// count covers the last 5/6 to 6/6 of the period.
const Buckets = 6

// State is everything that is stored about one scope. The zero State is a scope that was never
// seen. A State is comparable and holds no pointers. A new field goes at the end and needs a new
// version: see encode.go.
type State struct {
	Bucket         int64              // number of the newest bucket since 1970
	Counts         [Buckets]Count     // by bucket number modulo Buckets
	DayBucket      int64              // number of the newest day bucket since 1970: see dayBucket
	Records        [Buckets]uint32    // delivered without a challenge, by day bucket modulo Buckets
	Until          int64              // end of its block in Unix seconds; 0: none; or Forever
	Step           uint8              // index in Policy.Block of the next block's length
	LastStepBlocks uint8              // blocks of the last length so far
	Propose        bool               // blocked so often that an operator should decide
	Repeats        [Buckets]uint16    // bindings to keys or of persons seen in the period, by bucket
	Keys           [Buckets]keyFilter // keys that tokens were bound to, and persons who used them
}

// Count is what happened at an address in one bucket of the period: tokens bound, challenges
// issued, challenges solved.
type Count struct{ Bound, Issued, Solved uint16 }

// Forever is State.Until of a block that only an operator can lift.
const Forever = int64(1) << 62
