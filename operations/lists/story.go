package lists

import (
	"context"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/datadir"
	"stile.example/stile/refusals"
	"stile.example/stile/refusals/explanation"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/readable"
)

// Moment is something that happened to a token.
type Moment struct {
	At time.Time `json:"at"`
	// issued, bound, used, roamed, challenged, refused, observed, died, revoked or expires
	Kind    string `json:"kind"`
	Text    string `json:"text"` // in a sentence
	Ref     string `json:"ref,omitempty"`
	Code    string `json:"code,omitempty"`
	Address string `json:"address,omitempty"` // as the setting log_addresses shows it
}

// maxRefusals is how many refusals a story has: the latest.
const maxRefusals = 200

// Story returns what is known about a token, the oldest first: from its state, from its refusals as
// long as they are kept, and from the audit log.
func Story(ctx context.Context, d *datadir.Dir, id tokens.ID, s tokens.State, issued, expires time.Time) ([]Moment, error) {
	story := []Moment{{At: issued, Kind: "issued", Text: "The token was issued."}}
	story = append(story, ofState(d, s)...)
	list, err := d.Refusals.List(ctx, refusals.Query{Token: id, Limit: maxRefusals})
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		story = append(story, ofRefusal(d, f))
	}
	revoked, err := revocations(ctx, d, id, issued)
	if err != nil {
		return nil, err
	}
	story = append(story, revoked...)
	if m, ok := death(s, list, revoked); ok {
		story = append(story, m)
	}
	end := Moment{At: expires, Kind: "expires", Text: "The token expires."}
	if !d.Now().Before(expires) {
		end.Text = "The token expired."
	}
	story = append(story, end)
	slices.SortStableFunc(story, func(a, b Moment) int { return a.At.Compare(b.At) })
	return story, nil
}

// ofState returns what a state says with a time.
func ofState(d *datadir.Dir, s tokens.State) (story []Moment) {
	if bound := s.BoundAt(); bound != 0 {
		to := "the address " + d.ShowAddress(s.Bound.Address())
		if s.Bound.Kind == tokens.ToKey {
			to = "a key"
		}
		story = append(story, Moment{At: at(bound), Kind: "bound", Text: "Its first call bound it to " + to + "."})
	}
	for n, day := range s.Used {
		sum := tokens.Count{}
		for _, c := range day {
			sum.Calls, sum.Records = sum.Calls+c.Calls, sum.Records+c.Records
		}
		if sum == (tokens.Count{}) {
			continue
		}
		start := time.Unix((int64(s.Day)+int64(n))*86400, 0).UTC()
		story = append(story, Moment{At: latest(start, at(s.BoundAt())), Kind: "used", Text: fmt.Sprintf("On %s (UTC) it made %s, which delivered %s.",
			start.Format(time.DateOnly), readable.Count(int(sum.Calls), "admitted call"), readable.Count(int(sum.Records), "record"))})
	}
	if since := s.Roaming.Since; since != 0 {
		n := 0
		for _, word := range s.Roaming.Seen {
			n += bits.OnesCount32(word)
		}
		story = append(story, Moment{At: at(int64(since)), Kind: "roamed", Text: fmt.Sprintf("From here on, its key was used from %s.", readable.Count(n, "network address"))})
	}
	return story
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func ofRefusal(d *datadir.Dir, f refusals.Refusal) Moment {
	m := Moment{At: f.At, Kind: "refused", Ref: f.Ref, Code: f.Code, Address: f.Address, Text: explanation.Sentence(subjectOf(d, f))}
	switch {
	case f.Observed:
		m.Kind = "observed"
	case f.Code == tokens.ChallengeRequired.String() || f.Code == tokens.ChallengeFailed.String():
		m.Kind = "challenged"
	}
	if f.More > 0 {
		m.Text += fmt.Sprintf(" It is one of %d such refusals of its address in that minute.", 1+f.More)
	}
	return m
}

// revocations returns when operators revoked a token, by the audit log.
func revocations(ctx context.Context, d *datadir.Dir, id tokens.ID, issued time.Time) (story []Moment, err error) {
	entries, err := d.Audit.Entries(ctx, audit.Query{Operation: "token revoke", From: issued, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		var about struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(e.After, &about) == nil && about.ID == id.String() {
			story = append(story, Moment{At: e.At, Kind: "revoked", Text: e.Actor + " revoked it."})
		}
	}
	return story, nil
}

// death returns when a token died, as well as that is known. A revocation by an operator says so
// itself.
func death(s tokens.State, list []refusals.Refusal, revoked []Moment) (m Moment, dead bool) {
	if s.Dead == tokens.None || s.Dead == tokens.Revoked && len(revoked) > 0 {
		return m, false
	}
	for _, f := range list { // the newest first, so the first one comes last
		if f.Code == s.Dead.String() && !f.Observed {
			m.At, m.Ref = f.At, f.Ref
		}
	}
	m.Kind, m.Code, m.Text = "died", s.Dead.String(), "It died: "+Cause(s.Dead)+"."
	if m.At.IsZero() {
		m.At = latest(at(int64(s.Calls.Since)), latest(at(s.BoundAt()), at(s.IssuedAt)))
		m.Text = "It died here or later: " + Cause(s.Dead) + "."
	}
	return m, true
}

// Cause says why a token is dead.
func Cause(why tokens.Reason) string {
	switch why {
	case tokens.Revoked:
		return "the tenant or an operator revoked it"
	case tokens.Hijacked:
		return "it was used from outside its binding"
	case tokens.Exhausted:
		return "its calls or records are used up"
	case tokens.ChallengeIgnored:
		return "its calls continued while a challenge was open"
	case tokens.ChallengedTooOften:
		return "it had more challenges than challenge.per_token"
	}
	return "its calls are refused permanently"
}
