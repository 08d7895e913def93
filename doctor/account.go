package doctor

import (
	"strings"

	"stile.example/stile/evidence"
	"stile.example/stile/snippet"
	"stile.example/stile/tokens/readable"
)

func (e *examination) suspended() {
	if e.Suspended {
		e.add(Critical, "The tenant is suspended.", total(e.only(evidence.Refused, isCode("tenant_suspended"))).Ref,
			e.forReader("To admit its calls again:\n  stile tenant resume "+e.ClientID, "Ask the publisher. New tokens don't help."),
			"All calls are refused with tenant_suspended, and no tokens are issued.")
	}
}

// isCode returns a function that reports whether an entry of Refused is about a code.
func isCode(code string) func(evidence.Entry) bool {
	return func(one evidence.Entry) bool { return codeOf(one.Key) == code }
}

func (e *examination) quota() {
	if e.Quota == 0 || 100*e.Used < quotaNearly*e.Quota {
		return
	}
	fix := e.forReader("The quota is for a UTC month. To raise it:\n  stile tenant set "+e.ClientID+" --calls-per-month N", "The quota is for a UTC month. Ask the publisher for a higher one.")
	if e.Used >= e.Quota {
		e.add(Critical, "The quota is used up.", total(e.only(evidence.Refused, isCode("tenant_exhausted"))).Ref, fix, "%d of %d calls of this month are used.", e.Used, e.Quota)
		return
	}
	e.add(Warning, "The quota is nearly used up.", "", fix, "%d of %d calls of this month are used (%d %%).", e.Used, e.Quota, 100*e.Used/e.Quota)
}

func (e *examination) secrets() {
	if e.Secrets == 0 && !e.HasKeys {
		e.add(Critical, "The tenant has no valid secret, so it can't get tokens.", "",
			e.forReader("Give the tenant a new secret, which is shown once:\n  stile tenant rotate-secret "+e.ClientID, "Ask the publisher for a new secret."),
			"All of its secrets have expired, and it has no keys for private_key_jwt.")
	}
}

// credentials finds a back-end whose credentials are refused.
func (e *examination) credentials() {
	list := e.sums[evidence.Secret]
	sum := total(list)
	old := total(e.only(evidence.Secret, func(one evidence.Entry) bool { return one.Key == "expired secret" }))
	switch {
	case old.Count > 0:
		e.add(Critical, "The back-end uses an old secret.", "",
			e.forReader("Put the current secret into the tenant's back-end and start it again. If it is lost:\n  stile tenant rotate-secret "+e.ClientID+" --overlap 24h",
				"Put the current secret into your back-end and start it again. If it is lost, ask the publisher for a new one."),
			days+"%s for a token had a secret that was replaced, and whose overlap has ended.", readable.Count(old.Count, "request"))
	case sum.Count >= fewTimes:
		e.add(Warning, "Client credentials are refused.", "",
			"Send client_id "+e.ClientID+" and its secret by HTTP Basic, each form-encoded, or as client_id and client_secret in the form. Anyone can send wrong credentials: if the tenant's server gets its tokens, change nothing.",
			days+"%s for a token were refused: %s.", readable.Count(sum.Count, "request"), named(list))
	}
}

func (e *examination) sites() {
	if len(e.Sites) == 0 && e.Calls > 0 {
		e.add(Notice, "No sites are listed: any page may use the tokens.", "",
			e.forReader("List the origins of the tenant's pages:\n  stile tenant set "+e.ClientID+" --site https://www.example.com", "Ask the publisher to list the origins of your pages."),
			"%s admitted in the last %d days, from whatever page sent them.", were(e.Calls, "call"), evidence.Keep)
	}
}

// pageCode returns the HTML that a page with the usual widgets needs.
func (e *examination) pageCode() string {
	return indent(strings.TrimSpace(snippet.Default(e.ClientID).Code(e.API)))
}

// calls finds a tenant that does not use the API.
func (e *examination) calls() {
	switch refused := total(e.sums[evidence.Refused]); {
	case e.Calls > 0 || e.Suspended:
	case refused.Count > 0:
		e.add(Critical, "All calls are refused.", refused.Ref, "Fix the other findings first. The reference explains one of the refusals:\n  "+
			e.forReader("stile explain "+refused.Ref, refused.Ref), days+"no call was admitted and %s refused: %s.", were(refused.Count, "request"), named(e.sums[evidence.Refused]))
	case e.EverCalled:
		e.add(Warning, "There are no more calls.", "", "Open a page with the widgets, and read the browser's console. The page needs:\n"+e.pageCode(),
			days+"no call was admitted, and %s refused. There were calls before.", were(0, "request"))
	default:
		e.add(Notice, "There are no calls yet.", "", "Put this into a page of one of the sites, and serve POST /stile/token from the same site:\n"+e.pageCode(),
			"No call was ever admitted.")
	}
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
