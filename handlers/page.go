package handlers

import (
	"net/http"
	"net/url"

	"stile.example/stile/tenants"
)

// fromSite says whether the page that makes the call is one of the tenant's
// sites: by its Origin, else by the origin of its Referer. The Origin of a
// sandboxed page is "null", which is nobody's site. A browser can't forge
// them; a program can, which is why a page by itself lets nothing through.
func fromSite(h http.Header, who *caller) bool {
	page := h.Get("Origin")
	if page == "" {
		page = h.Get("Referer")
	}
	t := who.tenant
	switch {
	case page == "" && (who.policy.Site == SiteIfSent || len(t.Sites) == 0):
		return true
	}
	return t.Serves(page) || t.Serves(originOf(page))
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
