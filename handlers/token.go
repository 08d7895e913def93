package handlers

import "stile.example/stile/tokens"

// token answers how the token itself stands. It binds nothing.
func (a *API) token(r *request) error {
	who, err := a.guard(r)
	if err != nil {
		return err
	}
	if why := a.Gate.Dead(who.claims.ID); why != tokens.None {
		return a.dead(r, &who, why)
	}
	state, err := a.step(r, &who, tokens.Look(who.event(0, 0)))
	if err != nil {
		return err
	}
	r.begin()
	r.body = append(r.body, `{"data":{"binding":"`...)
	r.body = append(r.body, state.Bound.Kind.String()...)
	r.body = append(r.body, `",`...)
	r.body = who.appendState(r.body, state.Used.Total().Calls)
	r.body = append(r.body, `,"challenge":null},"meta":{`...)
	a.reply(r, &who, state)
	return nil
}
