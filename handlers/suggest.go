package handlers

import (
	"context"
	"time"

	"stile.example/stile/content"
)

// suggest answers completions of what is being typed.
func (a *API) suggest(ctx context.Context, r *request, who *caller, body []byte) ([]byte, int, error) {
	q, err := r.one("q")
	if err != nil {
		return body, 0, err
	}
	if _, err = content.Words(q); err != nil {
		return body, 0, err
	}
	defer a.Metrics.stored("suggest", time.Now())
	found, err := a.Content.Suggest(ctx, who.tenant.Number, q)
	if err != nil {
		return body, 0, err
	}
	if found == nil {
		found = []content.Suggestion{}
	}
	body = append(body, `{"data":`...)
	body = appendJSON(body, found)
	return append(body, `,"meta":{`...), 0, nil
}
