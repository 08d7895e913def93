package history

import (
	"fmt"
	"strings"
	"time"
)

// Period is a time that an overview shows.
type Period string

// The periods. Each ends now.
const (
	LastHour  Period = "hour"
	LastDay   Period = "day"   // 24 hours
	LastMonth Period = "month" // 30 days
)

// frame is how a period is read and drawn.
type frame struct {
	step   Step
	length time.Duration
	bucket time.Duration
}

var frames = map[Period]frame{
	LastHour:  {Minute, time.Hour, time.Minute},
	LastDay:   {Quarter, 24 * time.Hour, 15 * time.Minute},
	LastMonth: {Hour, 30 * 24 * time.Hour, 24 * time.Hour},
}

// Window is a period with the one before it, in buckets of equal length. The last bucket is the one
// that is under way.
type Window struct {
	Step             Step
	Bucket           time.Duration
	Before, From, To time.Time // starts of the period before and of the period, and its end
}

// WindowOf returns the window of a period that ends now.
func WindowOf(p Period, now time.Time) (w Window, err error) {
	f, known := frames[p]
	if !known {
		return w, fmt.Errorf("period %.40q: must be hour, day or month", p)
	}
	// The buckets of a month begin at midnight of UTC, and others at full minutes.
	w = Window{Step: f.step, Bucket: f.bucket, To: now.UTC().Truncate(f.bucket).Add(f.bucket)}
	w.From = w.To.Add(-f.length)
	w.Before = w.From.Add(-f.length)
	return w, nil
}

// Query returns the query for the points of both periods.
func (w Window) Query(tenant string) Query { return Query{w.Step, tenant, w.Before, w.To} }

// Figures is what was counted in a time.
type Figures struct {
	Calls      int64                 `json:"calls"`
	Routes     map[string]int64      `json:"calls_by_route"`
	Refusals   int64                 `json:"refusals"`
	Codes      map[string]int64      `json:"refusals_by_code"`
	Observed   int64                 `json:"observed"` // admitted only because a rule is observed
	WouldBe    map[string]int64      `json:"observed_by_code"`
	Challenges Challenges            `json:"challenges"`
	Kinds      map[string]Challenges `json:"challenges_by_kind"`
	Bindings   map[string]int64      `json:"bindings"` // by what tokens were bound to
	Latency    Latency               `json:"latency"`
	Most       map[string]int64      `json:"most"` // of what was there at a time: see [Name]
}

// Challenges is what happened to challenges. Some are still open, so the sum of the others may be
// smaller than Asked.
type Challenges struct {
	Asked    int64 `json:"asked"`
	Solved   int64 `json:"solved"`
	Failed   int64 `json:"failed"`
	LeftOpen int64 `json:"left_open"` // neither solved nor failed nor reloaded before they expired
	Reloaded int64 `json:"reloaded"`
}

func (c *Challenges) add(result string, n int64) {
	switch result {
	case "asked":
		c.Asked += n
	case "solved":
		c.Solved += n
	case "failed":
		c.Failed += n
	case "left_open":
		c.LeftOpen += n
	case "reloaded":
		c.Reloaded += n
	}
}

// FiguresOf returns the figures of counts.
func FiguresOf(c Counts) Figures {
	f := Figures{Routes: map[string]int64{}, Codes: map[string]int64{}, WouldBe: map[string]int64{}, Kinds: map[string]Challenges{},
		Bindings: map[string]int64{}, Most: map[string]int64{}, Latency: latencyOf(c)}
	for n, v := range c {
		kind, label, _ := strings.Cut(string(n), " ")
		switch kind {
		case "call":
			f.Calls += v
			f.Routes[label] += v
		case "refusal":
			f.Refusals += v
			f.Codes[label] += v
		case "observed":
			f.Observed += v
			f.WouldBe[label] += v
		case "binding":
			f.Bindings[label] += v
		case "gauge":
			f.Most[label] = v
		case "challenge":
			of, result, _ := strings.Cut(label, " ")
			one := f.Kinds[of]
			one.add(result, v)
			f.Kinds[of] = one
			f.Challenges.add(result, v)
		}
	}
	return f
}

// Split returns the counts of a window's points: of the period before, of the period, and of each
// bucket of the period.
func (w Window) Split(points []Point) (before, current Counts, buckets []Counts) {
	before, current = Counts{}, Counts{}
	buckets = make([]Counts, int(w.To.Sub(w.From)/w.Bucket))
	for i := range buckets {
		buckets[i] = Counts{}
	}
	for _, p := range points {
		if p.At.Before(w.From) {
			before.Add(p.Counts)
			continue
		}
		current.Add(p.Counts)
		if i := int(p.At.Sub(w.From) / w.Bucket); i >= 0 && i < len(buckets) {
			buckets[i].Add(p.Counts)
		}
	}
	return before, current, buckets
}
