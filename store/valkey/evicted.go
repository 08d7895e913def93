package valkey

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Evicted reports whether a server has removed values since Evicted was last called, because its
// memory was full. Servers of which [Engine.Check] has approved don't. But their configuration can
// change while they run, and a replica that takes over has one of its own.
//
// It must not be called by several goroutines at the same time.
func (e *Engine) Evicted(ctx context.Context) (evicted bool, err error) {
	if e.closed.Load() {
		return false, errClosed
	}
	seen := map[string]int64{}
	for address, c := range e.client.Nodes() {
		text, err := c.Do(e.deadlines.Within(ctx, e.timeout), c.B().Info().Section("server", "stats").Build()).ToString()
		if err != nil && e.target.Cluster && !responded(err) {
			continue // Ready says whether that is a master
		}
		if err != nil {
			return false, fmt.Errorf("ask %s whether it has removed values: %w", address, e.failed(err, false))
		}
		run, removed := evictions(text)
		before, known := e.evictions[run]
		evicted = evicted || known && removed > before
		seen[run] = removed
	}
	for run, removed := range e.evictions {
		if _, again := seen[run]; !again && len(seen) < maxRuns {
			seen[run] = removed // it does not respond at the moment
		}
	}
	e.evictions = seen
	return evicted, nil
}

// maxRuns bounds of how many runs of servers it is known how much they have removed.
const maxRuns = 1024

// evictions returns which run of a server INFO is about, and how many keys it has evicted.
func evictions(info string) (run string, removed int64) {
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "run_id":
			run = value
		case "evicted_keys":
			removed, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return run, removed
}
