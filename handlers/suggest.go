package handlers

import (
	"context"
	"time"

	"stile.example/stile/content"
)

// suggest answers completions of what is being typed. It returns how many of
// the titles are new to the token.
func (a *API) suggest(ctx context.Context, r *request) (int, error) {
	q, err := r.Single("q")
	if err != nil {
		return 0, err
	}
	if _, err = content.Words(q); err != nil {
		return 0, err
	}
	defer a.Metrics.Stored("suggest", time.Now())
	found, err := a.Content.Suggest(ctx, r.Tenant.Number, q)
	if err != nil {
		return 0, err
	}
	if found == nil {
		found = []content.Suggestion{}
	}
	r.AppendString(`{"data":`)
	r.AppendValue(found)
	r.AppendString(`,"meta":{`)
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	return a.titles.count(r.claims.ID, ids), nil
}
