package doctor

import (
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/evidence"
)

// Counts reports whether refusals with a code say something about a tenant's integration. Others
// are part of the protection, or depend on the server or the contract.
func Counts(codeAndRule string) bool {
	switch codeOf(codeAndRule) {
	case "challenge_required", "challenge_failed", "address_blocked", "overloaded", "internal", "tenant_suspended", "tenant_exhausted", "not_found":
		return false
	}
	return true
}

// unusual finds a larger share of refusals than other tenants have.
func (e *examination) unusual() {
	list := e.only(evidence.Refused, func(one evidence.Entry) bool { return Counts(one.Key) })
	sum := total(list)
	mine := Traffic{e.Calls, sum.Count}.share()
	usual, known := median(e.Others)
	if !known || sum.Count < usualRefused || e.Calls == 0 || mine < usualShare || mine < usualFactor*usual {
		return
	}
	compared := fmt.Sprintf("; the median of the other tenants is %.1f %%", usual)
	if e.ForTenant {
		compared = ", which is far more than usual"
	}
	e.add(Warning, "There are more refusals than usual.", sum.Ref,
		"Fix the other findings first. Otherwise look at the example: its code has a page that says what the developer must change.\n  "+e.API+"/problems/"+codeOf(list[0].Key),
		days+"%.1f %% of the requests were refused (%d of %d)%s. Most frequent: %s.", mine, sum.Count, sum.Count+e.Calls, compared, named(list))
}

func codeOf(codeAndRule string) string {
	code, _, _ := strings.Cut(codeAndRule, " ")
	return code
}

// share returns how many of 100 requests were refused.
func (t Traffic) share() float64 {
	if t.Calls+t.Refused == 0 {
		return 0
	}
	return 100 * float64(t.Refused) / float64(t.Calls+t.Refused)
}

// median returns the median share of the tenants with enough calls, and reports whether there are
// enough of them.
func median(others []Traffic) (share float64, known bool) {
	var shares []float64
	for _, t := range others {
		if t.Calls >= usualCalls {
			shares = append(shares, t.share())
		}
	}
	if len(shares) < usualTenants {
		return 0, false
	}
	slices.Sort(shares)
	return (shares[(len(shares)-1)/2] + shares[len(shares)/2]) / 2, true
}
