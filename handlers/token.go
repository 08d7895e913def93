package handlers

import (
	"context"

	"stile.example/stile/tokens"
)

// token responds with the state of the token. It binds nothing.
func (a *API) token(ctx context.Context, r *request) error {
	if err := a.authorize(r); err != nil {
		return err
	}
	if err := a.hasCalls(r); err != nil {
		return err
	}
	if why := a.Gate.Dead(r.claims.ID); why != tokens.None && !r.blocked {
		return a.dead(r, why)
	}
	inspected := r.event(0, 0)
	if err := a.spendProof(ctx, r, tokens.Inspect(inspected)); err != nil {
		return err
	}
	state, err := a.applyEvent(ctx, r, tokens.Inspect(r.proven(inspected)))
	if err != nil {
		return err
	}
	open, err := a.openChallengeJSON(r, state.OpenChallenge)
	if err != nil {
		return err
	}
	r.StartBody()
	r.AppendString(`{"data":{"binding":"`)
	r.AppendString(state.Bound.Kind.String())
	r.AppendString(`",`)
	r.appendState(state)
	r.AppendString(`,"challenge":`)
	r.AppendValue(open)
	r.AppendString(`},"meta":{`)
	a.reply(r, state)
	return nil
}
