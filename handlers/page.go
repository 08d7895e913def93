package handlers

import (
	"net/url"
	"strings"

	"stile.example/stile/tenants"
)

// fetchMetadata is the rule about what a browser says of a request.
const fetchMetadata = "fetch metadata"

// pageRule is the rule about pages that a request breaks, "" if none.
func pageRule(r *request) string {
	switch {
	case !madeByCode(r):
		return fetchMetadata
	case !pageAllowed(r):
		return "sites"
	}
	return ""
}

// pageAllowed says whether the page that makes the call is one of the tenant's
// sites: by its Origin, else by the origin of its Referer. The Origin of a
// sandboxed page is "null", which is nobody's site. A browser can't forge
// them; a program can, which is why a page by itself lets nothing through.
func pageAllowed(r *request) bool {
	page := r.HTTP.Header.Get("Origin")
	if page == "" {
		page = r.HTTP.Header.Get("Referer")
	}
	t := r.Tenant
	if page == "" && (r.policy.Site == SiteIfSent || len(t.Sites) == 0) {
		return true
	}
	return t.Serves(page) || t.Serves(originPrefix(page)) || t.Serves(originOf(page))
}

// madeByCode reports whether a request can be a page's fetch or script, as far
// as the browser marks it (Fetch Metadata, W3C). An image, a frame, a form that
// navigates or a prefetch is not: any page can make its visitors send those,
// with tokens of its own choice, and they must bind nothing (S50). A page that
// hides its origin from a tenant with sites is not one of them. Programs send
// none of these headers.
func madeByCode(r *request) bool {
	for _, dest := range r.HTTP.Header["Sec-Fetch-Dest"] {
		if dest != "empty" && dest != "script" {
			return false
		}
	}
	if len(r.HTTP.Header["Sec-Purpose"]) > 0 { // a prefetch, which is marked as a fetch otherwise
		return false
	}
	site := r.HTTP.Header["Sec-Fetch-Site"]
	for _, from := range site {
		if from == "none" {
			return false
		}
	}
	return len(site) == 0 || len(r.Tenant.Sites) == 0 || r.HTTP.Header.Get("Origin") != "" || r.HTTP.Header.Get("Referer") != ""
}

// originPrefix is what stands before a URL's path, query and fragment. A browser
// writes it as our sites are written, so that it need not be parsed; with a
// user's name in it, or a port to leave out, it is no site of ours.
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

// originOf is the origin of a URL in the form of a tenant's sites; "" if it
// has none.
func originOf(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	origin, err := tenants.Origin(u.Scheme + "://" + u.Host)
	if err != nil {
		return ""
	}
	return origin
}
