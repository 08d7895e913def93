//go:build !race

package handlers

import "time"

// perMadeUp is the processor time that a made-up picture may cost: 1 % of a
// processor for a hundred of them a second.
const perMadeUp = 100 * time.Microsecond
