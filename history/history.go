// Package history counts what the server does over time: calls, refusals, challenges, bindings and
// latencies, by tenant, and by minute, quarter of an hour and hour.
//
// A [Recorder] counts in memory, in several parts with a lock each, so that calls do not wait for
// each other. It adds its counts to a [Store] every 5 seconds and when it stops. A server that is
// killed loses the counts of these seconds. So a history is not a statement: what tenants used is
// counted exactly, by package usage.
package history

import (
	"context"
	"strings"
	"time"

	"stile.example/stile/tokens"
)

// Step is the length of the time that a [Point] counts.
type Step time.Duration

// The steps.
const (
	Minute  = Step(time.Minute)
	Quarter = Step(15 * time.Minute)
	Hour    = Step(time.Hour)
)

// keep is how long the points of each step are kept: two of the periods that are shown in that
// step, and a little longer.
var keep = map[Step]time.Duration{Minute: 3 * time.Hour, Quarter: 49 * time.Hour, Hour: 62 * 24 * time.Hour}

// start returns the start of the step that a time is in.
func (s Step) start(t time.Time) time.Time { return t.UTC().Truncate(time.Duration(s)) }

// Name says what is counted. Its label is from a small set that no caller can choose, such as the
// codes of refusals.
type Name string

func name(kind, label string) Name { return Name(kind + " " + label) }

// Names of counts.
func callName(r tokens.Route) Name          { return name("call", r.String()) }
func refusalName(code string) Name          { return name("refusal", code) }
func observedName(code string) Name         { return name("observed", code) }
func bindingName(k tokens.BindingKind) Name { return name("binding", k.String()) }
func challengeName(k tokens.Kind, result string) Name {
	return name("challenge", k.String()+" "+result)
}
func latencyName(bucket int) Name { return name("latency", bounds[bucket].String()) }

// Names of gauges: what was there at a moment. A point has the greatest value in its time.
const (
	Live      Name = "gauge live"
	Allowed   Name = "gauge allow"
	Blocked   Name = "gauge block"
	Crowded   Name = "gauge crowded"
	Proposals Name = "gauge proposals"
)

func (n Name) isGauge() bool { return strings.HasPrefix(string(n), "gauge ") }

// Counts is the counts of a point.
type Counts map[Name]int64

// Add adds other counts. Of a gauge, the greater value remains.
func (c Counts) Add(other Counts) {
	for n, v := range other {
		if n.isGauge() {
			c[n] = max(c[n], v)
		} else {
			c[n] += v
		}
	}
}

// Point is what was counted in one step.
type Point struct {
	Step   Step
	Tenant string // client_id; "": all tenants, and requests without one
	At     time.Time
	Counts Counts
}

// Query selects points.
type Query struct {
	Step     Step
	Tenant   string    // "": the points of all tenants together
	From, To time.Time // From is included, To is not
}

// Store stores points. Implementations must be safe for concurrent use.
type Store interface {
	// AddHistory adds the counts of points to those of the same step, tenant and time: all or none.
	AddHistory(ctx context.Context, points []Point) error
	// History returns the points that q selects, the oldest first.
	History(ctx context.Context, q Query) ([]Point, error)
	// PruneHistory removes the points of a step from before a time.
	PruneHistory(ctx context.Context, s Step, before time.Time) error
}
