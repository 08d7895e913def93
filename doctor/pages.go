package doctor

import (
	"strings"

	"stile.example/stile/evidence"
)

// pages finds pages outside the tenant's sites.
func (e *examination) pages() {
	list := e.sums[evidence.Page]
	sum := total(list)
	if sum.Count < fewTimes {
		return
	}
	s := Warning
	if sum.Count > e.Calls {
		s = Critical
	}
	e.add(s, "Pages outside the listed sites use the tokens.", sum.Ref, e.addSites(list),
		days+"%s refused from %s. The listed sites are %s.", were(sum.Count, "call"), named(list), orNone(e.Sites))
}

// addSites says how to list the sites, or what else to do about pages that are not sites.
func (e *examination) addSites(list []evidence.Entry) string {
	var fix []string
	for _, one := range list {
		switch {
		case one.Key == evidence.Others || len(fix) == 3:
		case one.Key == "null":
			fix = append(fix, "Origin null is a local file or a sandboxed frame. Serve the page over http://localhost or https, or add allow-same-origin to the frame's sandbox.")
		case one.Key == "invalid":
			fix = append(fix, "A request had a header Origin or Referer that is not an origin. A browser does not send that: look for a proxy or a program that sets the header.")
		case strings.HasPrefix(one.Key, "http://") && !strings.HasPrefix(one.Key, "http://localhost"):
			fix = append(fix, e.forReader("If it is the tenant's page, serve it over https. In a private network only:\n  stile tenant set "+e.ClientID+" --insecure-site "+one.Key,
				"If it is your page, serve it over https, and ask the publisher to add that origin."))
		default:
			fix = append(fix, e.forReader("If it is the tenant's page:\n  stile tenant set "+e.ClientID+" --add-site "+one.Key,
				"If it is your page, ask the publisher to add the site "+one.Key+"."))
		}
	}
	return strings.Join(append(fix, "If somebody else copied the page, change nothing: its calls are refused."), "\n")
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list[:min(len(list), 5)], ", ")
}

// unmarked finds requests that can't be recognised as those of a page.
func (e *examination) unmarked() {
	for _, one := range e.sums[evidence.Unmarked] {
		if one.Count < fewTimes {
			continue
		}
		finding, fix := "Browsers don't mark the requests as a page's fetch or script.",
			"Call the API with fetch or with a script tag, not with an image, a frame, a link or a prefetch. The widget layer does."
		switch one.Key {
		case "no origin":
			finding = "Pages hide their origin."
			fix = "The page's Referrer-Policy removes the Referer, and a script tag sends no Origin. Add to the script tag:\n  crossorigin=\"anonymous\"\nor:\n  referrerpolicy=\"origin\""
		case "site":
			finding = "Requests name no page, which the setting site requires."
			fix = e.forReader("Call the API from a page. If programs may use the tokens too:\n  stile tenant set "+e.ClientID+" site=if-sent",
				"Call the API from a page of one of your sites. If your programs must use tokens too, ask the publisher for the setting site=if-sent.")
		}
		e.add(Warning, finding, one.Ref, fix, days+"%s refused by the rule %q.", were(one.Count, "call"), one.Key)
	}
}

// clients finds another client_id that is sent with the tenant's tokens.
func (e *examination) clients() {
	sum := total(e.sums[evidence.Client])
	if sum.Count < fewTimes {
		return
	}
	sent := ""
	if !e.ForTenant { // it may be another tenant's
		sent = ": " + named(e.sums[evidence.Client])
	}
	e.add(Critical, "Pages send another client_id than their tokens have.", sum.Ref,
		"Use the client_id with which your server gets its tokens:\n  data-client-id=\""+e.ClientID+"\"",
		days+"%s refused because of another client_id%s.", were(sum.Count, "call"), sent)
}

// otherTokens finds tokens of another tenant that are sent with the tenant's client_id.
func (e *examination) otherTokens() {
	sum := total(e.sums[evidence.OtherToken])
	if sum.Count < fewTimes {
		return
	}
	e.add(Critical, "Pages with this client_id use tokens that were issued to another one.", "",
		"Let the token route of these pages get its tokens with the client_id "+e.ClientID+" and its secret:\n  STILE_CLIENT_ID="+e.ClientID,
		days+"%s refused because the token was not issued to %s.", were(sum.Count, "call"), e.ClientID)
}

// callbacks finds functions that a JSONP response may not call.
func (e *examination) callbacks() {
	sum := total(e.sums[evidence.Callback])
	if sum.Count < fewTimes {
		return
	}
	var patterns []string
	for _, one := range e.sums[evidence.Callback] {
		if !strings.Contains(one.Key, " ") && one.Key != evidence.Others && len(patterns) < 3 {
			patterns = append(patterns, one.Key)
		}
	}
	fix := "Name the function with letters, digits, _ and $, at most 64 characters, without brackets and dots:\n  callback=show"
	if len(patterns) > 0 {
		list := strings.Join(append(patterns, e.Callbacks...), ",")
		fix = e.forReader("If the page's library needs names with dots, allow them. They let a response call methods of the page's own objects.\n  stile tenant set "+e.ClientID+" callbacks="+list,
			"If your library needs names with dots, ask the publisher for the setting callbacks="+list+". Otherwise use a name without dots.")
	}
	e.add(Warning, "Callbacks are refused.", sum.Ref, fix, days+"%s refused for the name of the callback: %s.", were(sum.Count, "request"), named(e.sums[evidence.Callback]))
}
