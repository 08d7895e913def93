//go:build race

package handlers

import "time"

// perInvalidID is more under the race detector, which is ten times slower.
const perInvalidID = 2 * time.Millisecond
