//go:build race

package handlers

import "time"

// perMadeUp is more under the race detector, which is ten times slower.
const perMadeUp = 2 * time.Millisecond
