package lists

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/datadir"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/paging"
	"stile.example/stile/refusals"
	"stile.example/stile/refusals/explanation"
	"stile.example/stile/tokens"
)

// RefusalName names a refusal.
type RefusalName struct {
	Ref string `json:"ref"` // as the visitor was shown it; case and hyphen don't matter
}

// RefusalView is what --json prints of a refusal. A null field does not apply to it.
type RefusalView struct {
	Ref      string    `json:"ref"`
	At       time.Time `json:"at"`
	Tenant   *string   `json:"tenant"`
	Code     string    `json:"code"`
	Rule     *string   `json:"rule"`
	Limit    *int64    `json:"limit"`
	Seen     *int64    `json:"seen"`
	Identity *string   `json:"identity"`
	Address  *string   `json:"address"`
	// What the request said about its page, if that decided: its origin, null or invalid.
	Page *string `json:"page,omitempty"`
	// What decided, in words: what was wrong with the request, its token or its proof.
	Detail *string `json:"detail,omitempty"`
	// Refusals of its address, tenant, code and minute; 0: only this one.
	Count int64 `json:"count,omitempty"`
}

// RefusalInfo is a refusal with what people want to know in addition.
type RefusalInfo struct {
	RefusalView
	Observed bool `json:"observed"` // the rule is only observed: the request was admitted
	// What decided, in one sentence.
	Decision string `json:"decision"`
	// The setting that decided; null: none.
	Setting *explanation.Setting `json:"setting"`
	// The rule with its limit and the count, in words.
	RuleText string `json:"rule_text"`
	// What it means, and what can be done, in sentences.
	Explanation []string `json:"explanation"`
}

// Explain implements `explain`.
func Explain(ctx context.Context, d *datadir.Dir, n RefusalName) (RefusalInfo, error) {
	if !refusals.IsRef(n.Ref) {
		return RefusalInfo{}, failure.New(failure.Invalid, "malformed reference %.24q: a reference has 8 letters and digits, such as 7QK2-M4TD; copy it from the message that the visitor saw", n.Ref)
	}
	f, err := d.Refusals.Find(ctx, n.Ref)
	if errors.Is(err, refusals.ErrNotFound) {
		return RefusalInfo{}, failure.New(failure.NotFound, "unknown reference %s: it is wrong or another server's, or its refusal is no longer kept; `stile explain --help` says which refusals are kept", refusals.CanonicalRef(n.Ref))
	}
	if err != nil {
		return RefusalInfo{}, err
	}
	s := subjectOf(d, f)
	if !f.Observed {
		if s.First, err = firstRefusal(ctx, d, f); err != nil {
			return RefusalInfo{}, err
		}
	}
	return RefusalInfo{viewRefusal(f), f.Observed, explanation.Sentence(s), explanation.SettingOf(f), explanation.Rule(f), explanation.Lines(s)}, nil
}

// subjectOf returns a refusal with what is known about its page now.
func subjectOf(d *datadir.Dir, f refusals.Refusal) explanation.Subject {
	s := explanation.Subject{Refusal: f}
	if t, ok := d.Tenants.Find(f.Tenant); ok && f.Page != "" {
		s.IsSite, s.NearSite = t.Serves(f.Page), t.Near(f.Page)
	}
	return s
}

// firstRefusal returns the refusal that killed a token, for a later refusal because it is dead.
func firstRefusal(ctx context.Context, d *datadir.Dir, f refusals.Refusal) (*refusals.Refusal, error) {
	kills := []tokens.Reason{tokens.Hijacked, tokens.Exhausted, tokens.ChallengeIgnored, tokens.ChallengedTooOften}
	if !strings.HasPrefix(f.Identity, "token ") || !slices.ContainsFunc(kills, func(r tokens.Reason) bool { return r.String() == f.Code }) {
		return nil, nil
	}
	first, err := d.Refusals.First(ctx, f.Code, f.Identity)
	switch {
	case errors.Is(err, refusals.ErrNotFound) || err == nil && (first.Ref == f.Ref || first.At.After(f.At)):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &first, nil
}

func viewRefusal(f refusals.Refusal) RefusalView {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	v := RefusalView{Ref: f.Ref, At: f.At.UTC(), Tenant: text(f.Tenant), Code: f.Code, Rule: text(f.Rule), Identity: text(f.Identity), Address: text(f.Address), Page: text(f.Page), Detail: text(f.Detail)}
	if f.Limit != 0 || f.Seen != 0 {
		v.Limit, v.Seen = &f.Limit, &f.Seen
	}
	if f.More > 0 {
		v.Count = 1 + f.More
	}
	return v
}

// RefusalQuery selects refusals, the newest first. An empty field does not limit it.
type RefusalQuery struct {
	Ref     string `json:"ref,omitempty"`
	Code    string `json:"code,omitempty"`
	Tenant  string `json:"tenant,omitempty"`  // client_id
	Address string `json:"address,omitempty"` // an address, or what the list shows of one
	// The token's ID, as `token list` shows it, or its jti.
	Token    string    `json:"token,omitempty"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"` // not included
	Observed *bool     `json:"observed,omitempty"`
	After    string    `json:"after,omitempty"` // next of the page before
	Limit    int       `json:"limit,omitempty"` // 1 to 1,000; 0: 100
}

// RefusalLine is a refusal of a list.
type RefusalLine struct {
	RefusalView
	Observed bool                 `json:"observed"`
	TokenID  string               `json:"token_id,omitempty"`
	Decision string               `json:"decision"` // what decided, in one sentence
	Setting  *explanation.Setting `json:"setting"`  // that decided; null: none
}

// RefusalPage is a part of a list of refusals.
type RefusalPage struct {
	Refusals []RefusalLine `json:"refusals"`
	Next     string        `json:"next,omitempty"` // the after of the next page; "": there is none
}

// Refusals implements `refusal list`.
func Refusals(ctx context.Context, d *datadir.Dir, in RefusalQuery) (page RefusalPage, err error) {
	page.Refusals = []RefusalLine{}
	if in.Ref != "" {
		return oneRefusal(ctx, d, in)
	}
	q, err := refusalQuery(d, in)
	if err != nil {
		return page, err
	}
	limit := q.Limit
	q.Limit++
	list, err := d.Refusals.List(ctx, q)
	if err != nil {
		return page, err
	}
	list, last := paging.Cut(list, limit)
	if last != nil {
		page.Next = refusals.PositionOf(*last).String()
	}
	for _, f := range list {
		page.Refusals = append(page.Refusals, lineOf(d, f))
	}
	return page, nil
}

// oneRefusal returns the page with the refusal of a reference, if the other filters select it.
func oneRefusal(ctx context.Context, d *datadir.Dir, in RefusalQuery) (page RefusalPage, err error) {
	page.Refusals = []RefusalLine{}
	if !refusals.IsRef(in.Ref) {
		return page, failure.New(failure.Invalid, "ref %.24q: must have 8 letters and digits, such as 7QK2-M4TD", in.Ref)
	}
	q, err := refusalQuery(d, in)
	if err != nil {
		return page, err
	}
	f, err := d.Refusals.Find(ctx, in.Ref)
	switch {
	case errors.Is(err, refusals.ErrNotFound):
		return page, nil
	case err != nil:
		return page, err
	case q.Selects(f):
		page.Refusals = append(page.Refusals, lineOf(d, f))
	}
	return page, nil
}

func lineOf(d *datadir.Dir, f refusals.Refusal) RefusalLine {
	v := viewRefusal(f)
	v.Count = 1 + f.More // in each line, so that those of an export can be added up
	l := RefusalLine{RefusalView: v, Observed: f.Observed, Decision: explanation.Sentence(subjectOf(d, f)), Setting: explanation.SettingOf(f)}
	if f.Token != [16]byte{} {
		l.TokenID = tokens.ID(f.Token).String()
	}
	return l
}

// refusalQuery returns the query of an input.
func refusalQuery(d *datadir.Dir, in RefusalQuery) (q refusals.Query, err error) {
	q = refusals.Query{Tenant: in.Tenant, Code: in.Code, Address: shownAddress(d, in.Address), From: in.From, To: in.To, Observed: in.Observed}
	if q.Limit, err = limitOf(in.Limit); err != nil {
		return q, err
	}
	if err := checkCode(in.Code); err != nil {
		return q, err
	}
	if !in.From.IsZero() && !in.To.IsZero() && !in.From.Before(in.To) {
		return q, failure.New(failure.Invalid, "from %s: must be before to", in.From.UTC().Format(time.RFC3339))
	}
	if in.Token != "" {
		if id, err := tokens.ParseID(in.Token); err == nil {
			q.Token = id
		} else {
			q.Token = tokens.NewID(d.Signer.Issuer, in.Token)
		}
	}
	q.After, err = refusals.ParsePosition(in.After)
	return q, failure.Of(failure.Invalid, err)
}

// checkCode returns an error that names all codes, unless a code is one of them or empty.
func checkCode(code string) error {
	if _, known := codes.Of(codes.Code(code)); known || code == "" {
		return nil
	}
	var names []string
	for _, info := range codes.All() {
		names = append(names, string(info.Code))
	}
	return failure.New(failure.Invalid, "code %.40q: must be one of %s", code, strings.Join(names, ", "))
}

// shownAddress returns an address as it is stored with refusals. Another text is returned as it is:
// the list may show an address so.
func shownAddress(d *datadir.Dir, text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	return d.ShowAddress(addresses.Canonical(a))
}
