package addresses

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
	Keys           [Buckets]keyFilter // that bound a token, by slice number modulo Slices
}

// Count is what happened at an address in a slice of the period.
type Count struct{ Bound, Issued, Solved uint16 }

// Forever is State.Until of a block that only a person lifts.
const Forever = int64(1) << 62
