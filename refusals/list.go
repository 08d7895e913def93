package refusals

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query selects refusals, the newest first. An empty field does not limit it.
type Query struct {
	Tenant   string
	Code     string
	Address  string    // as it is shown
	Identity string    // as explanations name it
	Token    [16]byte  // ID
	From, To time.Time // From is included, To is not
	Observed *bool
	After    Position // only those that follow it in the list
	Limit    int      // required
}

// Position is the place of a refusal in a list: refusals are in the order of their times, to the
// millisecond, and then of their references, the greatest first. It does not move when others are
// added or removed.
type Position struct {
	At  time.Time
	Ref string // "": the start of the list
}

// PositionOf returns the place of a refusal.
func PositionOf(f Refusal) Position { return Position{f.At.Truncate(time.Millisecond), f.Ref} }

func (p Position) String() string {
	if p.Ref == "" {
		return ""
	}
	return strconv.FormatInt(p.At.UnixMilli(), 36) + "-" + p.Ref
}

// ParsePosition reads a position that was written by String.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return Position{}, nil
	}
	at, ref, _ := strings.Cut(text, "-")
	ms, err := strconv.ParseInt(at, 36, 64)
	if err != nil || !IsRef(ref) {
		return Position{}, fmt.Errorf("after %.40q: must be the next of an earlier page", text)
	}
	return Position{time.UnixMilli(ms).UTC(), CanonicalRef(ref)}, nil
}

// compare is negative if p comes before q in a list.
func (p Position) compare(q Position) int {
	if c := q.At.Compare(p.At); c != 0 {
		return c
	}
	return strings.Compare(q.Ref, p.Ref)
}

// Selects reports whether a query selects a refusal.
func (q Query) Selects(f Refusal) bool { return q.selects(&f) }

func (q Query) selects(f *Refusal) bool {
	at := f.At.Truncate(time.Millisecond)
	return (q.Tenant == "" || q.Tenant == f.Tenant) && (q.Code == "" || q.Code == f.Code) &&
		(q.Address == "" || q.Address == f.Address) && (q.Identity == "" || q.Identity == f.Identity) && (q.Token == [16]byte{} || q.Token == f.Token) &&
		(q.From.IsZero() || !at.Before(q.From)) && (q.To.IsZero() || at.Before(q.To)) &&
		(q.Observed == nil || *q.Observed == f.Observed) &&
		(q.After.Ref == "" || q.After.compare(Position{at, f.Ref}) < 0)
}

// List returns the refusals that q selects, the newest first: those that are stored, and those that
// are only in memory. Refusals that are counted together are one in the list. If q names an
// identity or a token, those in memory are listed one by one, and each counts only itself. So no
// refusal is counted twice in a list.
func (r *Recorder) List(ctx context.Context, q Query) ([]Refusal, error) {
	all, apart := r.inMemory(q) // first: what is evicted meanwhile is stored already
	known := make(map[string]bool, len(all))
	for _, f := range all {
		known[f.Ref] = true
	}
	stored, err := r.store.Refusals(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, f := range stored {
		if !known[f.Ref] {
			f.More = max(0, f.More-apart[f.Ref])
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b Refusal) int { return PositionOf(a).compare(PositionOf(b)) })
	return all[:min(len(all), q.Limit)], nil
}

// oneByOne reports whether refusals in memory are listed one by one, and not as they are stored.
func (q Query) oneByOne() bool { return q.Identity != "" || q.Token != [16]byte{} }

// inMemory returns the first refusals in memory that q selects. If they are listed one by one, it
// also returns how many refusals in memory are counted with a stored one, by its Ref.
func (r *Recorder) inMemory(q Query) (list []Refusal, apart map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []shown
	if q.oneByOne() {
		apart = map[string]int64{}
	}
	for _, n := range r.recent.byRef {
		stored := &n.row.value.Refusal
		f, more := stored, n.row.count-1
		if q.oneByOne() {
			f, more = &n.Refusal, 0
			apart[stored.Ref]++
		}
		if n.Ref == f.Ref && q.selects(f) {
			found = append(found, shown{PositionOf(*f), f, more})
		}
	}
	slices.SortFunc(found, func(a, b shown) int { return a.at.compare(b.at) })
	list = make([]Refusal, min(len(found), q.Limit))
	for i := range list {
		list[i] = *found[i].Refusal
		list[i].At = found[i].at.At
		list[i].More = found[i].more
	}
	return list, apart
}

// shown is a refusal in memory with its place in the list, and how many are counted with it.
type shown struct {
	at Position
	*Refusal
	more int64
}
