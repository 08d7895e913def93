package commands

import (
	"context"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// neighbours tells tokens' gate what addresses call for: it translates between
// the two machines, which don't know each other.
type neighbours struct {
	book     *addresses.Book
	observed func(a tokens.Arrival, v addresses.Verdict) // told of what a rule would have done
}

// Bound is tokens.Neighbours': a fresh token counts as a binding, and what any
// token delivers counts as records.
func (n neighbours) Bound(ctx context.Context, a tokens.Arrival) (tokens.Crowd, error) {
	var e addresses.Event = addresses.Draw{At: a.At, Records: a.Records, Cleared: a.Cleared}
	if a.Fresh {
		e = addresses.Bind{At: a.At, Key: a.Key, Records: a.Records}
	}
	v, err := n.book.Apply(ctx, a.From, a.Tenant, a.At, e)
	if err != nil {
		return tokens.Crowd{}, err
	}
	if v.Would && n.observed != nil {
		n.observed(a, v)
	}
	return crowdOf(v), nil
}

// Asked is tokens.Neighbours'.
func (n neighbours) Asked(ctx context.Context, c tokens.Called) error {
	_, err := n.book.Apply(ctx, c.From, c.Tenant, c.At, addresses.Asked{At: c.At, Shared: c.Shared})
	return err
}

// Solved is tokens.Neighbours'.
func (n neighbours) Solved(ctx context.Context, c tokens.Called) error {
	_, err := n.book.Apply(ctx, c.From, c.Tenant, c.At, addresses.Solved{At: c.At, Shared: c.Shared})
	return err
}

// crowdOf says in the token's words how its address stands. A standing that is
// not known is a block.
func crowdOf(v addresses.Verdict) tokens.Crowd {
	c := tokens.Crowd{Limit: v.Limit, Seen: v.Seen, Drained: v.Drained, Shared: v.Shared}
	switch v.Standing {
	case addresses.Clear:
		return tokens.Crowd{Leave: v.Leave}
	case addresses.Crowded:
		c.Kind, c.Level, c.Leave = tokens.Work, v.Level, v.Leave
	case addresses.Packed:
		c.Kind, c.Level, c.Leave = tokens.Picture, v.Level, v.Leave
	default:
		c.Blocked = true
	}
	return c
}
