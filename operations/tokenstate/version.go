package tokenstate

import (
	"context"

	"stile.example/stile/datadir"
	"stile.example/stile/tokens"
)

// Version returns what the version of a token is computed from: whether it is dead, and what it is
// bound to. The number of its calls is not part of it: it would be another version after each call.
func Version(ctx context.Context, d *datadir.Dir, text string) (any, error) {
	n, err := Find(ctx, d, text)
	if err != nil {
		return nil, err
	}
	s, err := d.Gate.Stored(ctx, n.ID)
	return struct {
		ID    tokens.ID
		Dead  tokens.Reason
		Bound tokens.Binding
	}{n.ID, s.Dead, s.Bound}, err
}
