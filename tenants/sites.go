package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SiteChange changes a tenant's sites.
type SiteChange struct {
	Sites  *[]string // instead of those of before; nil: keeps them
	Add    []string
	AddAny []string // as Add, but with plain http
	Remove []string // each must be one of the tenant's
}

// Apply changes a tenant's sites. It returns all problems together. A site that is there may be
// added again. A site that is removed must be there.
func (ch SiteChange) Apply(t *Tenant) error {
	var faults []error
	read := func(origin func(string) (string, error), some []string) (sites []string) {
		for _, site := range some {
			text, err := origin(site)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			sites = append(sites, text)
		}
		return sites
	}
	sites := slices.Clone(t.Sites)
	if ch.Sites != nil {
		sites = read(Origin, *ch.Sites)
	}
	added := append(read(Origin, ch.Add), read(InsecureOrigin, ch.AddAny)...)
	removed := read(SiteOrigin, ch.Remove)
	sites = append(sites, added...)
	for _, site := range removed {
		if slices.Contains(added, site) {
			faults = append(faults, fmt.Errorf("site %s: must not be added and removed at the same time", site))
		} else if !slices.Contains(sites, site) {
			faults = append(faults, fmt.Errorf("site %s: is not one of the tenant's sites: %s", site, listed(sites)))
		}
	}
	sites = slices.DeleteFunc(sites, func(site string) bool { return slices.Contains(removed, site) })
	if len(removed) > 0 && len(sites) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("can't remove the tenant's last site: without sites, any page may use its tokens. If you want that, use --clear-sites; otherwise add the new site in the same command"))
	}
	if len(faults) == 0 {
		t.Sites = sites
	}
	return errors.Join(faults...)
}

// listed returns sites for a message.
func listed(sites []string) string {
	if len(sites) == 0 {
		return "it has none"
	}
	return strings.Join(sites, ", ")
}
