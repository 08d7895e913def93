// Package sites decides whether a request is a call by a page of the tenant's sites, as far as the
// headers of browsers say.
package sites

import (
	"net/http"
	"strings"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
)

// The rules by which a request is not the tenant's, as explanations name them.
const (
	RuleMetadata  = "fetch metadata"    // the browser does not mark it as a fetch or a script
	RuleHidden    = "no origin"         // the browser hides the page's origin
	RuleRequired  = "site"              // it names no page, which the setting site requires
	RuleSites     = "sites"             // the page's origin is not one of the tenant's sites
	RuleClient    = "client_id"         // it names another tenant than the token's
	RuleUnknown   = "unknown client_id" // it names no tenant
	RuleNoMapping = "issuers.clients"   // an external issuer's token is for a client without a tenant
)

// What an explanation says instead of an origin.
const (
	noPageSent  = "no Origin and no Referer"
	pageNull    = "null"
	pageInvalid = "invalid"
)

// Refusal returns why a request with headers can't be one of a page of the tenant's sites, or nil.
// If a page is required, the request must name one. The detail may name what the request itself
// sent, and nothing that is registered.
func Refusal(h http.Header, t *tenants.Tenant, required bool) *codes.Refusal {
	if header, value := notByCode(h); header != "" {
		return Mismatch(RuleMetadata, header+": "+value, codes.NotByCode,
			"The browser does not mark this request as a page's fetch or script ("+header+": "+value+"). Call the API with fetch or a script tag, not with an image, a frame, a link or a prefetch.")
	}
	header, page := "Origin", h.Get("Origin")
	if page == "" {
		header, page = "Referer", h.Get("Referer")
	}
	switch {
	case len(t.Sites) == 0:
		return nil
	case page != "":
		return siteRefusal(t, header, page)
	case len(h["Sec-Fetch-Site"]) > 0:
		return Mismatch(RuleHidden, noPageSent, codes.HiddenOrigin,
			`The browser sends neither Origin nor Referer, because of the page's Referrer-Policy. Give the script tag crossorigin="anonymous" or referrerpolicy="origin".`)
	case required:
		return Mismatch(RuleRequired, noPageSent, codes.NoPage,
			"The request has neither Origin nor Referer, and this tenant's calls must have one. Call the API from a page of the tenant's site.")
	}
	return nil
}

// siteRefusal refuses a page that is not one of the tenant's sites: by the Origin, else by the
// origin of the Referer. The Origin of a sandboxed page is "null", which can't be a site. A page
// can't forge these headers; a program can, so a call always needs a token too.
func siteRefusal(t *tenants.Tenant, header, page string) *codes.Refusal {
	if t.Serves(page) || t.Serves(originPrefix(page)) {
		return nil
	}
	origin, ok := tenants.PageOrigin(page)
	var why *codes.Refusal
	switch {
	case ok && t.Serves(origin):
		return nil
	case ok:
		why = Mismatch(RuleSites, header+": "+origin, codes.NotRegistered,
			"The page's origin "+origin+" is not one of the sites that are registered for this client_id. Ask the publisher to add it.")
	case page == pageNull:
		origin = pageNull
		why = Mismatch(RuleSites, header+": null", codes.NoOrigin,
			"The browser sends no origin for this page (Origin: null). It is a local file, or in a sandboxed frame. Serve it over http://localhost or https, or add allow-same-origin to the frame's sandbox.")
	default:
		origin = pageInvalid
		why = Mismatch(RuleSites, header+" is not an origin", codes.NoOrigin, "The header Origin or Referer is not an origin, such as https://www.site.example.")
	}
	why.Page = origin
	return why
}

// Mismatch returns a refusal of a request that is not the tenant's. The rule, and why it applies,
// are for the operator.
func Mismatch(rule, why, title, detail string) *codes.Refusal {
	return &codes.Refusal{Code: codes.ClientMismatch, Title: title, Detail: detail, Explanation: codes.Explanation{Rule: rule, Why: why}}
}

// notByCode returns the header by which a browser says that a request is not a page's fetch or
// script, and its value, or "". These are the headers of Fetch Metadata (W3C). Images, frames,
// forms that navigate and prefetches are not: any page can make its visitors send them, with tokens
// that it chooses, and they must not bind a token (S50). Programs do not send these headers.
func notByCode(h http.Header) (header, value string) {
	for _, dest := range h["Sec-Fetch-Dest"] {
		if dest != "empty" && dest != "script" {
			return "Sec-Fetch-Dest", shortWord(dest)
		}
	}
	if purpose := h["Sec-Purpose"]; len(purpose) > 0 { // a prefetch, otherwise marked as a fetch
		return "Sec-Purpose", shortWord(purpose[0])
	}
	for _, from := range h["Sec-Fetch-Site"] {
		if from == "none" {
			return "Sec-Fetch-Site", from
		}
	}
	return "", ""
}

// shortWord returns a value that is a word of a browser, and "invalid" for any other.
func shortWord(s string) string {
	if len(s) > 20 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "invalid"
	}
	return s
}

// originPrefix returns the part of a URL before its path, query and fragment. A browser spells it
// as a tenant's sites are spelled, so it is compared before the URL is parsed: parsing takes 2 µs
// more, 5 % of a call.
func originPrefix(page string) string {
	scheme := strings.Index(page, "://")
	if scheme < 0 {
		return page
	}
	end := strings.IndexAny(page[scheme+3:], "/?#")
	if end < 0 {
		return page
	}
	return page[:scheme+3+end]
}
