package simulate

import (
	"context"
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// visitor is a browser, or a program that acts as one. It makes requests with a token, gets a new
// token when that one is invalid, and solves challenges if it can, as the widget layer does.
type visitor struct {
	who     int // number in the group, or nobody
	from    netip.Addr
	tenant  uint32     // number of the tenant whose pages it visits; 0: the first
	key     tokens.Key // key that its browser holds; zero: none
	solver  solver
	token   tokens.ID
	valid   bool // it has a token that was not refused yet
	issued  time.Duration
	task    tokens.Challenge // challenge that is being solved; zero: none
	correct bool             // the answer will be correct
}

// solver solves a challenge. It returns how long that takes, how much processor time it needs, and
// whether the answer is correct. tries is false if it does not try.
type solver func(w *world, c tokens.Challenge) (takes, cpu time.Duration, correct, tries bool)

// request is a request to the content API.
type request struct {
	route   tokens.Route
	suggest bool
	records uint32 // records in the response
	most    uint32 // maximum number of records in the response; 0: records
	titles  uint32 // of suggestions: new to the visitor
}

// outcome is the outcome of a request.
type outcome uint8

const (
	admitted outcome = iota
	working          // a challenge is being solved: repeat the request later
	unsolved         // there is a challenge that it does not solve
	blocked          // the address is blocked
	givenUp          // three tokens in a row were refused
)

// do makes a request, and returns its outcome and when to continue.
func (v *visitor) do(w *world, now time.Duration, r request) (f outcome, next time.Duration) {
	for range 3 {
		v.ensureToken(w, now)
		verdict := v.apply(w, now, r)
		switch {
		case v.task.Number != 0 && verdict.Outcome == tokens.Admit:
			v.task = tokens.Challenge{}
			verdict = v.apply(w, now, r)
		case v.task.Number != 0:
			v.task = tokens.Challenge{}
		}
		switch verdict.Outcome {
		case tokens.Admit:
			return admitted, now
		case tokens.Challenged:
			return v.work(w, now, verdict.State.OpenChallenge)
		}
		if verdict.Reason == tokens.AddressBlocked {
			until := w.blocked(v.from, v.payer(), now)
			w.meetBlock(v.who, now, until)
			return blocked, until
		}
		if verdict.Reason != tokens.NoOpenChallenge {
			v.drop(w)
			if v.who != nobody {
				w.Renewals++
			}
		}
	}
	return givenUp, now
}

// ensureToken gets a token if the visitor has none.
func (v *visitor) ensureToken(w *world, now time.Duration) {
	if !v.valid {
		v.token, v.valid, v.issued, v.task = w.issue(), true, now, tokens.Challenge{}
		if v.who != nobody {
			w.Tokens++
		}
	}
}

// drop drops the token, and deletes its state.
func (v *visitor) drop(w *world) {
	if v.valid {
		delete(w.tokens, v.token)
	}
	v.valid, v.task = false, tokens.Challenge{}
}

// payer returns the number of the tenant that the visitor's calls are charged to.
func (v *visitor) payer() uint32 { return max(v.tenant, 1) }

// apply sends the answer to the challenge that is being solved, or else r. Like the server, it
// applies a Check before the request itself.
func (v *visitor) apply(w *world, now time.Duration, r request) tokens.Verdict {
	at := monday.Add(now)
	c := tokens.Call{At: at, Tenant: v.payer(), IssuedAt: monday.Add(v.issued), Expires: monday.Add(v.issued + 24*time.Hour),
		From: v.from, Key: v.key, Route: r.route, Blocked: w.blocked(v.from, v.payer(), now) > 0}
	if v.task.Number != 0 {
		return v.send(w, now, tokens.Answer{Call: c, Number: v.task.Number, Correct: v.correct})
	}
	most := c
	if most.Records = max(r.records, r.most); r.suggest {
		most.Titles = maxTitles
	}
	if checked := v.send(w, now, tokens.Check{Call: most, Suggest: r.suggest}); checked.Outcome != tokens.Admit {
		return checked
	}
	if c.Records, c.Titles = r.records, r.titles; r.suggest {
		return v.send(w, now, tokens.Suggest(c))
	}
	return v.send(w, now, &c)
}

// maxTitles is the maximum number of titles in one response of suggestions.
const maxTitles = 8

// send applies an event to the token.
func (v *visitor) send(w *world, now time.Duration, e tokens.Event) tokens.Verdict {
	var verdict tokens.Verdict
	var err error
	if check, ok := e.(tokens.Check); ok {
		verdict, err = w.gate.Check(context.Background(), v.token, w.Policy, check)
	} else {
		verdict, err = w.gate.Apply(context.Background(), v.token, w.Policy, e)
	}
	if err != nil {
		panic(err) // this store never fails
	}
	if _, again := e.(tokens.Suggest); v.key != (tokens.Key{}) && verdict.State.Bound == tokens.BindToKey(v.key) && !again {
		if _, again := e.(*tokens.Call); !again { // the proof was used by the Check of the same request
			w.spend(now)
		}
	}
	w.note(v.who, e, verdict)
	return verdict
}

// work starts to solve a challenge, if the visitor's solver tries.
func (v *visitor) work(w *world, now time.Duration, c tokens.Challenge) (outcome, time.Duration) {
	takes, cpu, correct, tries := v.solver(w, c)
	if !tries {
		return unsolved, now
	}
	w.wait(takes, cpu)
	v.task, v.correct = c, correct
	return working, now + takes
}
