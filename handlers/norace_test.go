//go:build !race

package handlers

import "time"

// perInvalidID is the CPU time that a request for a picture with an invalid id may take: 1 % of a
// core for a hundred of them a second.
const perInvalidID = 100 * time.Microsecond
