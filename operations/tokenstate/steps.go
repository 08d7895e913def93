package tokenstate

import (
	"cmp"
	"fmt"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/lists"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
)

// Step is one step of looking at what a data directory says about a token.
type Step struct {
	Name   string `json:"name"` // tenant, bind_within or state
	Refuse bool   `json:"refuse"`
	Detail string `json:"detail"`
}

// Steps says, step by step, whether the stored data refuses a token's calls. The view must be
// the token's.
func Steps(d *datadir.Dir, n Named, v Token, s tokens.State) []Step {
	steps := []Step{tenantStep(d, n, v)}
	if t, known := tenantOf(d, v); known {
		steps = append(steps, bindWithinStep(d, v, s, t))
	}
	return append(steps, stateStep(d, v, s))
}

func tenantOf(d *datadir.Dir, v Token) (*tenants.Tenant, bool) {
	if v.ClientID == nil {
		return nil, false
	}
	return d.Tenants.Find(*v.ClientID)
}

// tenantStep checks that the token's tenant exists and is active, and has calls left.
func tenantStep(d *datadir.Dir, n Named, v Token) Step {
	refuse := func(format string, args ...any) Step {
		return Step{"tenant", true, fmt.Sprintf(format, args...)}
	}
	t, known := tenantOf(d, v)
	switch {
	case v.ClientID == nil:
		return refuse("unknown")
	case !known:
		return refuse("%s does not exist: add it with `stile tenant add %s`", *v.ClientID, *v.ClientID)
	case !issuedFor(t, n, *v.IssuedAt):
		return refuse("the token was issued before the tenant %s was added, on %s; get a new token", t.ClientID, t.CreatedAt.UTC().Format(time.RFC3339))
	case t.Status != tenants.Active:
		return refuse("%s is suspended: `stile tenant resume %s` admits its calls again", t.ClientID, t.ClientID)
	case t.CallsPerMonth == 0:
		return Step{"tenant", false, t.ClientID + ", active, without a quota"}
	}
	used := d.Meter.Used(t.Number, d.Now())
	if used >= t.CallsPerMonth {
		return refuse("%s has used all %d calls of this month", t.ClientID, t.CallsPerMonth)
	}
	return Step{"tenant", false, fmt.Sprintf("%s, active, %d of %d calls used this month", t.ClientID, used, t.CallsPerMonth)}
}

// bindWithinStep checks that the token's first call came, or can come, in time.
func bindWithinStep(d *datadir.Dir, v Token, s tokens.State, t *tenants.Tenant) Step {
	within := d.PolicyOf(t).Tokens().BindWithin
	end := v.IssuedAt.Add(within).UTC().Format(time.RFC3339)
	switch {
	case s.Bound.Kind != tokens.Unbound:
		return Step{"bind_within", false, "the first call came in time"}
	case d.Now().Sub(*v.IssuedAt) > within:
		return Step{"bind_within", true, fmt.Sprintf("no call came until %s, %s after the issue; get a new token", end, within)}
	}
	return Step{"bind_within", false, "the first call must come until " + end}
}

// stateStep says whether the token is dead, and what it is bound to.
func stateStep(d *datadir.Dir, v Token, s tokens.State) Step {
	if s == (tokens.State{}) {
		return Step{"state", false, "never used"}
	}
	detail := cmp.Or(s.BoundTo(d.ShowAddress), "unbound") + fmt.Sprintf(", %d of %d calls used", v.Calls, v.CallsLimit)
	if s.Dead == tokens.None {
		if open := OpenChallenge(d, s); open != "" {
			detail += "; a challenge is open: " + open
		}
		return Step{"state", false, detail}
	}
	return Step{"state", true, fmt.Sprintf("dead (%s): %s; %s", s.Dead, lists.Cause(s.Dead), detail)}
}
