package items

import (
	"context"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/handlers/metrics"
	"stile.example/stile/handlers/transport"
)

// Suggest responds with completions of what is typed, as far as that is usable: nobody must read an
// error while typing. It returns the ids of the items whose titles
// the response contains.
func (x *Reader) Suggest(ctx context.Context, r *transport.Request) (ids []string, err error) {
	q, err := r.Single("q")
	if err != nil {
		return nil, err
	}
	defer x.read(ctx, metrics.Suggest, time.Now())
	found, err := x.Content.Suggest(x.as(ctx, r), r.Tenant.Number, content.Usable(q))
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []content.Suggestion{}
	}
	r.AppendString(`{"data":`)
	r.AppendValue(found)
	r.AppendString(`,"meta":{`)
	ids = make([]string, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	return ids, nil
}
