package handlers

import (
	"context"
	"time"

	"stile.example/stile/challenge"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// challengeJSON is the challenge object of a response.
type challengeJSON struct {
	ID         string                `json:"id"`
	Kind       string                `json:"kind"`
	ExpiresIn  int64                 `json:"expires_in"`
	CallsLeft  uint8                 `json:"calls_left"`
	Picture    string                `json:"picture,omitempty"`
	Sound      string                `json:"sound,omitempty"`
	Digits     int                   `json:"digits,omitempty"`
	Parameters *challenge.Parameters `json:"parameters,omitempty"`
}

// challengeJSON makes the open challenge, or returns the one that was made for it earlier. If it
// can't be made, that is a fault: the challenge is never waived.
func (a *API) challengeJSON(r *request, open tokens.Challenge) (*challengeJSON, error) {
	c, err := a.Challenges.Make(challenge.Spec{
		Token: r.claims.ID, Number: open.Number, Kind: challenge.Kind(open.Kind), Level: open.Level,
		Expires: time.Unix(int64(open.Expires), 0),
	})
	if err != nil {
		return nil, codes.Unavailable(err)
	}
	t := &challengeJSON{
		ID: c.ID, Kind: open.Kind.String(), ExpiresIn: max(int64(open.Expires)-r.At.Unix(), 0), CallsLeft: open.Left,
		Digits: c.Digits, Parameters: c.Parameters,
	}
	if open.Kind == tokens.Picture {
		at := a.PublicURL + "/v1/challenges/" + c.ID
		t.Picture, t.Sound = at+pictureFile, at+soundFile
	}
	return t, nil
}

// openChallengeJSON returns the challenge that a token must solve, or nil.
func (a *API) openChallengeJSON(r *request, open tokens.Challenge) (*challengeJSON, error) {
	if open.Number == 0 || r.At.Unix() >= int64(open.Expires) {
		return nil, nil
	}
	return a.challengeJSON(r, open)
}

// notOpen refuses an answer to a challenge that is not the token's open one.
func notOpen() *codes.Refusal {
	return &codes.Refusal{Code: codes.NotFound, Detail: "The challenge is not open: it was solved or replaced, or it belongs to another token."}
}

// answer accepts the answer to a challenge. It checks whether the answer is correct; the token's
// step decides whether it counts: once, in time and for one token.
func (a *API) answer(ctx context.Context, r *request) error {
	asked, err := a.atChallenge(r)
	if err != nil {
		return err
	}
	text, err := r.Single("answer")
	if err != nil {
		return err
	}
	if text == "" {
		return codes.Malformed("answer is missing")
	}
	correct := a.Challenges.IsCorrect(r.PathID, text)
	answered := tokens.Answer{Call: r.event(0, 0), Number: asked.Number, Correct: correct}
	if err := a.spendProof(ctx, r, answered); err != nil {
		return err
	}
	answered.Call = r.proven(answered.Call)
	state, err := a.applyEvent(ctx, r, answered)
	if err != nil {
		a.countFailed(r, asked.Kind, err)
		return err
	}
	a.challenged(r, tokens.Kind(asked.Kind), "solved")
	r.StartBody()
	r.AppendString(`{"data":{"solved":true},"meta":{`)
	a.reply(r, state)
	return nil
}

// countFailed counts a wrong answer: one that led to the next challenge or killed the token.
func (a *API) countFailed(r *request, k challenge.Kind, err error) {
	if code := refusalOf(err).Code; code == codes.ChallengeFailed || code == codes.TokenChallengedTooOften {
		a.challenged(r, tokens.Kind(k), "failed")
	}
}

// challenged counts what happened to a challenge of the token: it was solved, failed or reloaded.
func (a *API) challenged(r *request, k tokens.Kind, result string) {
	a.Metrics.Challenged(k, result)
	a.History.Answered(r.TenantName(), r.claims.ID, k, result)
}

// reload replaces a challenge by another of its kind.
func (a *API) reload(ctx context.Context, r *request) error {
	asked, err := a.atChallenge(r)
	if err != nil {
		return err
	}
	reloaded := tokens.Reload{Call: r.event(0, 0), Number: asked.Number}
	if err := a.spendProof(ctx, r, reloaded); err != nil {
		return err
	}
	reloaded.Call = r.proven(reloaded.Call)
	state, err := a.applyEvent(ctx, r, reloaded)
	if err != nil {
		return err
	}
	a.challenged(r, state.OpenChallenge.Kind, "reloaded")
	next, err := a.challengeJSON(r, state.OpenChallenge)
	if err != nil {
		return err
	}
	r.StartBody()
	r.AppendString(`{"data":`)
	r.AppendValue(next)
	r.AppendString(`,"meta":{`)
	a.reply(r, state)
	return nil
}

// atChallenge authorizes a request about a challenge, and checks that the challenge was made for
// the request's token. An id that this server did not make can't be opened.
func (a *API) atChallenge(r *request) (asked challenge.Spec, err error) {
	if err = a.authorize(r); err != nil {
		return asked, err
	}
	if err = a.hasCalls(r); err != nil {
		return asked, err
	}
	if why := a.Gate.Dead(r.claims.ID); why != tokens.None && !r.blocked {
		return asked, a.dead(r, why)
	}
	asked, ok := a.Challenges.Open(r.PathID)
	if !ok || asked.Token != r.claims.ID {
		return asked, notOpen()
	}
	return asked, nil
}
