// Package usagesum adds up usage by tenant, day and route. [Lines] adds up what was read, and
// [Tokens] keeps the sum of all tokens' states up to date while they change. No SQL.
package usagesum

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// Lines adds up usage by tenant, day and route.
type Lines struct {
	Client   string                     // whose usage, by its name; "": that of all
	From, To int64                      // days since 1970-01-01, both included
	Names    map[uint32]string          // names by number: see tenants.Names
	sums     map[string]map[place]count // by name
}

// count is what was used at a place.
type count struct{ calls, records int64 }

// place is a day and a route: places are in the order of their days, and then of their routes'
// names.
type place int64

func placeOf(day int64, route tokens.Route) place { return place(day)*tokens.Routes + ranks[route] }

// ranks has the positions of the routes in the order of their names, and names the names by them.
var ranks, names = func() (ranks [tokens.Routes]place, names [tokens.Routes]string) {
	for r := range names {
		names[r] = tokens.Route(r).String()
	}
	slices.Sort(names[:])
	for r := range ranks {
		ranks[r] = place(slices.Index(names[:], tokens.Route(r).String()))
	}
	return ranks, names
}()

// New returns an empty sum. "" means that the days, or the tenants, are not limited.
func New(client, from, to string) (l *Lines, err error) {
	l = &Lines{Client: client, sums: map[string]map[place]count{}}
	if l.From, err = dayNumber(from, 0); err != nil {
		return nil, err
	}
	l.To, err = dayNumber(to, 1<<31)
	return l, err
}

// dayNumber returns the number of a day, or none if day is "".
func dayNumber(day string, none int64) (int64, error) {
	if day == "" {
		return none, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, fmt.Errorf("day %q: must be YYYY-MM-DD", day)
	}
	return t.Unix() / 86400, nil
}

// Add adds calls and records, unless they are of another tenant or day.
func (l *Lines) Add(tenant uint32, day int64, route tokens.Route, calls, records int64) {
	client := l.Names[tenant]
	if l.Client != "" && client != l.Client || day < l.From || day > l.To {
		return
	}
	of := l.sums[client]
	if of == nil {
		of = map[place]count{}
		l.sums[client] = of
	}
	at := placeOf(day, route)
	sum := of[at]
	of[at] = count{sum.calls + calls, sum.records + records}
}

// AddState adds what the state of a token counts.
func (l *Lines) AddState(s tokens.State) {
	for u := range s.Uses() {
		l.Add(s.Tenant, int64(u.Day), u.Route, int64(u.Calls), int64(u.Records))
	}
}

// Sorted returns the lines by tenant, day and route.
func (l *Lines) Sorted() []usage.Line {
	n := 0
	for _, of := range l.sums {
		n += len(of)
	}
	lines, days := make([]usage.Line, 0, n), map[int64]string{}
	for _, client := range slices.Sorted(maps.Keys(l.sums)) {
		of := l.sums[client]
		for _, at := range slices.Sorted(maps.Keys(of)) {
			day, route := int64(at/tokens.Routes), at%tokens.Routes
			text, ok := days[day]
			if !ok {
				text = usage.Day(time.Unix(day*86400, 0))
				days[day] = text
			}
			lines = append(lines, usage.Line{Tenant: client, Day: text, Route: names[route], Calls: of[at].calls, Records: of[at].records})
		}
	}
	return lines
}
