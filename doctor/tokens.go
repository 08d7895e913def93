package doctor

import (
	"stile.example/stile/evidence"
	"stile.example/stile/tokens/readable"
)

// cached finds tokens that several browsers use. A token is for one browser. If several present the
// same one, something between the token endpoint and the browsers gives it out again.
func (e *examination) cached() {
	var shared, single int64 // tokens, and the browsers of the one with the most
	var sum evidence.Entry
	least := ""
	for _, one := range e.sums[evidence.Foreign] {
		others := int64(len(one.Few))
		if one.Key == evidence.Others || others < otherBrowsers {
			continue
		}
		shared++
		single = max(single, others+1) // the browser that it is bound to
		sum.Add(one)
		if one.Few.Full() {
			least = "at least "
		}
	}
	for _, one := range e.sums[evidence.Expired] {
		if one.Key != evidence.Others && len(one.Few) > otherBrowsers {
			shared++
			single = max(single, int64(len(one.Few)))
			sum.Add(one)
		}
	}
	if shared < fewTimes && single <= otherBrowsersOne {
		return
	}
	e.add(Critical, "The back-end caches tokens: several browsers get the same one.", sum.Ref, noCache,
		days+"%s used by several browsers each, one of them by %s%d browsers. All but the first browser are refused (%s).",
		were(shared, "token"), least, single, readable.Count(sum.Count, "refusal"))
}

// were returns a number with a noun and a verb.
func were(n int64, noun string) string {
	if n == 1 {
		return readable.Count(n, noun) + " was"
	}
	return readable.Count(n, noun) + " were"
}

// notRenewed finds tokens that a page uses again and again after their end.
func (e *examination) notRenewed() {
	var tokens, most int64
	var sum evidence.Entry
	for _, one := range e.sums[evidence.Expired] {
		spread := one.Last.Sub(one.First).Seconds()
		if one.Key == evidence.Others || one.Count < repeats || spread < seconds || len(one.Few) > otherBrowsers {
			continue
		}
		tokens++
		most = max(most, one.Count)
		sum.Add(one)
	}
	if tokens < fewTimes && most < manyTimes {
		return
	}
	e.add(Warning, "Tokens are not renewed: pages use them after their end.", sum.Ref, renew(e.API, e.ClientID),
		days+"%s presented again after the end, one of them %d times (%s).", were(tokens, "token"), most, readable.Count(sum.Count, "refusal"))
}

// late finds tokens that are older than policy.token.bind_within at their first call.
func (e *examination) late() {
	sum := total(e.sums[evidence.Late])
	if sum.Count < fewTimes {
		return
	}
	e.add(Warning, "Tokens are issued long before visitors use them.", sum.Ref,
		"Request a token when a visitor opens the page, not when the page is built or cached: a token's first call must come within policy.token.bind_within. Let the widget layer request it, with data-token-url=\"/stile/token\", instead of writing a token into the HTML.\n"+noCache,
		days+"%s refused because the token's first call came too late (%s).", were(sum.Count, "call"), readable.Count(len(e.sums[evidence.Late]), "token"))
}

// visitsOf returns how many visitors there were on each day, added up. The visitors of a day are
// the browsers that tokens were bound to, or the subjects that the tenant named, if those are more.
func visitsOf(list []evidence.Entry) (visits int64) {
	byDay := map[int64]int64{}
	for _, one := range list {
		if one.Kind == evidence.Issued || one.Kind == evidence.Bound {
			byDay[one.Day] = max(byDay[one.Day], one.Many.Count())
		}
	}
	for _, n := range byDay {
		visits += n
	}
	return visits
}

// tooMany finds far more tokens than visitors.
func (e *examination) tooMany() {
	issued, bound := total(e.sums[evidence.Issued]).Count, total(e.sums[evidence.Bound]).Count
	if n := max(issued, bound); n < manyTokens || n <= perVisitor*e.visits || e.visits == 0 {
		return
	}
	e.add(Warning, "There are far more tokens than visitors.", "", oneToken,
		days+"%d tokens were issued and %d were used, by about %s a day, added up.", issued, bound, readable.Count(e.visits, "visitor"))
}

// unused finds tokens that are issued and never used.
func (e *examination) unused() {
	issued, bound := total(e.sums[evidence.Issued]).Count, total(e.sums[evidence.Bound]).Count
	if issued < manyTokens || issued < unused*bound {
		return
	}
	e.add(Notice, "Most tokens are issued and never used.", "", oneToken,
		days+"%d tokens were issued, and %d were used.", issued, bound)
}
