package simulate

import (
	"context"
	"net/netip"
	"time"

	"stile.example/stile/tokens"
)

// visitor is a browser, or what passes for one: it holds a token, makes
// requests with it, gets a new one when it is invalid, and solves challenges
// if it can. It does what the widget layer does.
type visitor struct {
	who    int // number in the group
	from   netip.Addr
	tenant uint32     // whose pages it visits; 0: the first
	key    tokens.Key // that its browser holds; zero: none
	solver solver
	token  tokens.ID
	live   bool // it has a token that it believes to be good
	issued time.Duration
	task   tokens.Challenge // being solved; zero: none
	right  bool             // it will be
}

// solver says what becomes of a challenge: how long it takes, what that costs
// a processor, and whether the answer is right. tries is false for one who
// does not try.
type solver func(w *world, c tokens.Challenge) (takes, cpu time.Duration, right, tries bool)

// request is what is asked of the content API.
type request struct {
	route   tokens.Route
	suggest bool
	records uint32 // items that the response carries
	most    uint32 // that it may carry; 0: as many
	titles  uint32 // of suggestions: new to whoever types
}

// fate is what became of a request.
type fate uint8

const (
	answered fate = iota
	working       // a challenge is being solved: ask once more, later
	unsolved      // there is a challenge, and nobody who solves it
	barred        // the address is blocked
	givenUp       // three tokens in a row were no good
)

// ask makes a request, and says what became of it and when to go on.
func (v *visitor) ask(w *world, now time.Duration, r request) (f fate, next time.Duration) {
	for range 3 {
		v.hold(w, now)
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
			return answered, now
		case tokens.Challenged:
			return v.work(w, now, verdict.State.OpenChallenge)
		}
		if verdict.Reason == tokens.AddressBlocked {
			until := w.blocked(v.from, v.payer(), now)
			w.bar(v.who, now, until)
			return barred, until
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

// hold gets a token where there is none.
func (v *visitor) hold(w *world, now time.Duration) {
	if !v.live {
		v.token, v.live, v.issued, v.task = w.issue(), true, now, tokens.Challenge{}
		if v.who != nobody {
			w.Tokens++
		}
	}
}

// drop forgets a token; whether it was dead makes no difference any more.
func (v *visitor) drop(w *world) {
	if v.live {
		delete(w.tokens, v.token)
	}
	v.live, v.task = false, tokens.Challenge{}
}

// payer is the number of the tenant that the visitor's calls are charged to.
func (v *visitor) payer() uint32 { return max(v.tenant, 1) }

// apply sends the answer to the challenge that is being solved, else r. As the
// server does, it checks a request before it is read.
func (v *visitor) apply(w *world, now time.Duration, r request) tokens.Verdict {
	at := monday.Add(now)
	c := tokens.Call{At: at, Tenant: v.payer(), IssuedAt: monday.Add(v.issued), Expires: monday.Add(v.issued + 24*time.Hour),
		From: v.from, Key: v.key, Route: r.route, Blocked: w.blocked(v.from, v.payer(), now) > 0}
	if v.task.Number != 0 {
		return v.send(w, now, tokens.Answer{Call: c, Number: v.task.Number, Right: v.right})
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
	return v.send(w, now, c)
}

// maxTitles is how many titles one response of suggestions may show.
const maxTitles = 8

func (v *visitor) send(w *world, now time.Duration, e tokens.Event) tokens.Verdict {
	var verdict tokens.Verdict
	var err error
	if check, ok := e.(tokens.Check); ok {
		verdict, err = w.gate.Check(context.Background(), v.token, w.Policy, check)
	} else {
		verdict, err = w.gate.Apply(context.Background(), v.token, w.Policy, e)
	}
	if err != nil {
		panic(err) // this store has no faults
	}
	if _, again := e.(tokens.Suggest); v.key != (tokens.Key{}) && verdict.State.Bound == tokens.BindToKey(v.key) && !again {
		if _, again := e.(tokens.Call); !again { // a request spends its proof with its check
			w.spend(now)
		}
	}
	w.note(v.who, e, verdict)
	return verdict
}

// work begins to solve a challenge, or doesn't.
func (v *visitor) work(w *world, now time.Duration, c tokens.Challenge) (fate, time.Duration) {
	takes, cpu, right, tries := v.solver(w, c)
	if !tries {
		return unsolved, now
	}
	w.wait(takes, cpu)
	v.task, v.right = c, right
	return working, now + takes
}
