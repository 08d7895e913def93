package lists

import (
	"context"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/paging"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
)

// TokenQuery selects tokens that have made a call. An empty field does not limit it.
type TokenQuery struct {
	Tenant  string        `json:"tenant,omitempty"`  // client_id
	State   listing.State `json:"state,omitempty"`   // live, dead or expired
	Address string        `json:"address,omitempty"` // that the token is bound to
	// use (the default): the last use first, or for expired tokens the last that expired; or issue:
	// the newest first.
	Order string `json:"order,omitempty"`
	After string `json:"after,omitempty"` // next of the page before
	Limit int    `json:"limit,omitempty"` // 1 to 1,000; 0: 100
}

// TokenLine is a token of a list.
type TokenLine struct {
	ID         string        `json:"id"`        // which `token show` takes
	ClientID   *string       `json:"client_id"` // null: the tenant was removed
	State      listing.State `json:"state"`     // live, dead or expired
	Reason     *string       `json:"reason"`    // why it is dead, as a code; null: it is not
	Binding    string        `json:"binding"`   // none, address or key
	BoundTo    string        `json:"bound_to,omitempty"`
	Calls      uint32        `json:"calls"`
	Records    uint32        `json:"records"`
	Challenges int           `json:"challenges"`
	IssuedAt   time.Time     `json:"issued_at"`
	ExpiresAt  time.Time     `json:"expires_at"`
	UsedAt     time.Time     `json:"used_at"` // its last use, up to 5 minutes before the real one
}

// TokenPage is a part of a list of tokens.
type TokenPage struct {
	Tokens []TokenLine `json:"tokens"`
	Next   string      `json:"next,omitempty"` // the after of the next page; "": there is none
}

// Tokens implements `token list`. On a busy server, a new token appears after a minute at most.
func Tokens(ctx context.Context, d *datadir.Dir, in TokenQuery) (page TokenPage, err error) {
	page.Tokens = []TokenLine{}
	q, err := tokenQuery(d, in)
	if err != nil {
		return page, err
	}
	if err := d.Settle(ctx); err != nil {
		return page, err
	}
	limit := q.Limit
	q.Limit++
	list, err := d.TokenList.Tokens(ctx, q)
	if err != nil {
		return page, err
	}
	list, last := paging.Cut(list, limit)
	if last != nil {
		page.Next = last.Position.String()
	}
	for _, e := range list {
		if s, known := d.Store.Peek(e.ID); known && d.Nodes == nil {
			e.State = s // newer than the list; of several nodes, another may have a newer one
		}
		page.Tokens = append(page.Tokens, tokenLine(d, e, q.Now))
	}
	return page, nil
}

func tokenQuery(d *datadir.Dir, in TokenQuery) (q listing.Query, err error) {
	q = listing.Query{State: in.State, ByIssue: in.Order == "issue", Now: d.Now()}
	if q.Limit, err = limitOf(in.Limit); err != nil {
		return q, err
	}
	if q.Tenant, err = lookup.Number(d, in.Tenant); err != nil {
		return q, err
	}
	if in.Address != "" {
		if q.Address, err = addressOf(in.Address); err != nil {
			return q, err
		}
	}
	switch in.State {
	case "", listing.Live, listing.Dead, listing.Expired:
	default:
		return q, failure.New(failure.Invalid, "state %.40q: must be live, dead or expired", in.State)
	}
	if in.Order != "" && in.Order != "use" && in.Order != "issue" {
		return q, failure.New(failure.Invalid, "order %.40q: must be use or issue", in.Order)
	}
	q.After, err = listing.ParsePosition(in.After)
	return q, failure.Of(failure.Invalid, err)
}

func tokenLine(d *datadir.Dir, e listing.Entry, now time.Time) TokenLine {
	s, used := e.State, e.State.Used.Total()
	l := TokenLine{ID: e.ID.String(), State: stateOf(s, now), Binding: s.Bound.Kind.String(), Calls: used.Calls, Records: used.Records,
		Challenges: int(s.ChallengesIssued), IssuedAt: at(s.IssuedAt), ExpiresAt: at(s.Expires), UsedAt: e.Used}
	if t, ok := d.Tenants.ByNumber(s.Tenant); ok {
		l.ClientID = &t.ClientID
	}
	if s.Dead != tokens.None {
		code := s.Dead.String()
		l.Reason = &code
	}
	switch s.Bound.Kind {
	case tokens.ToAddress:
		l.BoundTo = d.ShowAddress(s.Bound.Address())
	case tokens.ToKey:
		l.BoundTo = "a key"
	}
	return l
}

// stateOf returns a token's state in one word. A dead token that has expired is expired.
func stateOf(s tokens.State, now time.Time) listing.State {
	switch {
	case s.Expires <= now.Unix():
		return listing.Expired
	case s.Dead != tokens.None:
		return listing.Dead
	}
	return listing.Live
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
