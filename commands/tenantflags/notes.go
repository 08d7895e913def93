package tenantflags

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"stile.example/stile/commands/printing"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
)

// NoteInsecure warns about sites with plain http.
func NoteInsecure(w io.Writer, some []string) {
	for _, site := range some {
		fmt.Fprintf(w, `%s has plain http. Anyone in its network can read and change its pages, and
take their tokens. Browsers create no key there, so each token is bound to its
visitor's address. Use it for tests and intranets only.
`, printing.Safe(site))
	}
}

// NoteSites says what may surprise about a tenant's sites after a change: that any page may use its
// tokens now, or that all others no longer may.
func NoteSites(w io.Writer, ch operations.TenantChange, sites []string) {
	added := len(ch.AddSites) + len(ch.InsecureSites)
	switch {
	case len(sites) == 0 && ch.Sites != nil:
		fmt.Fprintf(w, "%[1]s has no sites now: any page may use its tokens. To allow only the tenant's pages:\n  stile tenant set %[1]s --add-site https://www.example.com\n", printing.Safe(ch.ClientID))
	case ch.Sites == nil && added > 0 && added == len(sites):
		fmt.Fprintf(w, "%s has no other sites: calls from all other pages are refused from now on.\n", printing.Safe(ch.ClientID))
	}
	NoteWWW(w, ch, sites)
}

// NoteWWW names the origins with or without www. that may be missing next to those that were given.
func NoteWWW(w io.Writer, ch operations.TenantChange, sites []string) {
	given := ch.AddSites
	if ch.Sites != nil {
		given = *ch.Sites
	}
	var missing []string
	for _, site := range given {
		origin, err := tenants.Origin(site)
		if other := tenants.WithWWW(origin); err == nil && other != "" && !slices.Contains(sites, other) {
			missing = append(missing, other)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(w, "Origins with and without www. are different. If the tenant has pages at both:\n  stile tenant set %s --add-site %s\n",
			printing.Safe(ch.ClientID), printing.Safe(strings.Join(missing, " --add-site ")))
	}
}
