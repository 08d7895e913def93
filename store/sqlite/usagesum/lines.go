// Package usagesum adds up usage by tenant, day and route. [Lines] adds up what was read, and
// [Tokens] keeps the sum of all tokens' states up to date while they change. No SQL.
package usagesum

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// Lines adds up usage by tenant, day and route.
type Lines struct {
	Client   string                           // whose usage, by its name; "": that of all
	From, To int64                            // days since 1970-01-01, both included
	Names    map[uint32]string                // names by number: see tenants.Names
	lines    map[string]map[place]*usage.Line // by name
}

// place is where a tenant's usage is counted.
type place struct {
	day   int64
	route tokens.Route
}

// New returns an empty sum. "" means that the days, or the tenants, are not limited.
func New(client, from, to string) (l *Lines, err error) {
	l = &Lines{Client: client, lines: map[string]map[place]*usage.Line{}}
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
	client, at := l.Names[tenant], place{day, route}
	if l.Client != "" && client != l.Client || day < l.From || day > l.To {
		return
	}
	of := l.lines[client]
	if of == nil {
		of = map[place]*usage.Line{}
		l.lines[client] = of
	}
	line := of[at]
	if line == nil {
		line = &usage.Line{Tenant: client, Day: usage.Day(time.Unix(day*86400, 0)), Route: route.String()}
		of[at] = line
	}
	line.Calls += calls
	line.Records += records
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
	for _, of := range l.lines {
		n += len(of)
	}
	lines := make([]usage.Line, 0, n)
	for _, client := range slices.Sorted(maps.Keys(l.lines)) {
		of := l.lines[client]
		places := slices.SortedFunc(maps.Keys(of), func(a, b place) int {
			return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.route.String(), b.route.String()))
		})
		for _, at := range places {
			lines = append(lines, *of[at])
		}
	}
	return lines
}
