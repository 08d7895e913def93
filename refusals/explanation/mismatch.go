package explanation

import (
	"net/netip"
	"strings"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/tenants"
)

// adviceOf returns the advice about a refusal, and reports whether there is one.
func adviceOf(f Subject) (advice, bool) {
	a, known := adviceByCode[codes.Code(f.Code)]
	if special, ok := issuerAdvice[[2]string{f.Code, f.Rule}]; ok {
		return special, true
	}
	if codes.Code(f.Code) == codes.AddressBlocked {
		return blockAdvice(f, a), true
	}
	if codes.Code(f.Code) != codes.ClientMismatch {
		return a, known
	}
	if f.Rule == "sites" && f.Page != "" {
		return siteAdvice(f), true
	}
	if special, ok := mismatchAdvice[f.Rule]; ok {
		return special, true
	}
	return a, known
}

// blockAdvice returns the advice about a block by an operator, or by a rule. Its command names the
// address, if the setting log_addresses shows it.
func blockAdvice(f Subject, byRule advice) advice {
	if f.Rule == "address list" {
		return advice{"An operator blocked the source address. The detail says until when.",
			"stile address list shows the entry and its reason. stile address remove RANGE lifts it, with the RANGE of the entry."}
	}
	if a, err := netip.ParseAddr(f.Address); err == nil {
		byRule.fix = strings.ReplaceAll(byRule.fix, " stile address list shows the RANGE.", "")
		byRule.fix = strings.ReplaceAll(byRule.fix, "RANGE", a.String())
	}
	return byRule
}

// mismatchAdvice has the advice about each rule of client_mismatch, except about pages that are not
// a site: see [siteAdvice].
var mismatchAdvice = map[string]advice{
	"fetch metadata": {"The browser did not mark the request as a page's fetch or script. It was an image, a frame, a link, a prefetch, or a URL that somebody opened.",
		"If it is frequent, a page tries to use its visitors' browsers, or the tenant's page calls the API by something other than fetch or a script tag."},
	"no origin": {"The browser sent neither Origin nor Referer, because of the page's Referrer-Policy.",
		"The page must call with fetch, or give its script tag crossorigin=\"anonymous\" or referrerpolicy=\"origin\". The widget layer does so."},
	"site": {"The request had neither Origin nor Referer, and the setting site is required. It was probably sent by a program.",
		"If the tenant's programs may call the API: stile tenant set CLIENT_ID site=if-sent."},
	"client_id": {"The token was issued to this tenant, but the request named another tenant's client_id.",
		"The page and the tenant's server must use the same client_id. A page of one tenant that gets tokens from another tenant's server has this fault."},
	"unknown client_id": {"The token was issued to this tenant, but the request named a client_id that does not exist.",
		"The client_id in the tenant's page is misspelt: it must be the one with which the tenant's server gets tokens."},
	"issuers.clients": {"The token of an external issuer is for a client that the settings map to no tenant.",
		"Add the client, as the detail names it, to the issuer's clients in the settings file, and restart the server."},
}

// siteAdvice returns the advice about a page that is not one of the tenant's sites.
func siteAdvice(f Subject) advice {
	page, tenant := safe(f.Page), safe(f.Tenant)
	switch {
	case page == "null":
		return advice{"The browser sent no origin for the page (Origin: null): it is a local file, or in a sandboxed frame.",
			"Such pages can't be registered, since any site can make one. The page must be served over http://localhost or https. A frame needs allow-same-origin in its sandbox."}
	case page == "invalid":
		return advice{"The header Origin or Referer was not an origin.",
			"Browsers don't send such headers. The request came from a program, or a proxy changed it."}
	case f.IsSite:
		return advice{"The page's origin was not one of the tenant's sites. It is one now.", ""}
	}
	a := advice{"The page's origin is not one of the tenant's sites.", "If the page is the tenant's: stile tenant set " + tenant + " --add-site " + page}
	if f.NearSite != "" {
		a.cause += " It is similar to the site " + safe(f.NearSite) + ", but scheme, host name (with or without www.) and port must be equal."
	}
	if _, err := tenants.Origin(page); err != nil {
		a.fix = "It is not https, so others in its network can read its tokens. If the page is the tenant's and can't have https: stile tenant set " + tenant + " --insecure-site " + page
		if !strings.HasPrefix(page, "http:") {
			a.fix = "It is an app or a browser extension, not a web page. Such origins can't be registered."
		}
	}
	return a
}
