package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a tenant's data.
const (
	maxClientID = 64 // bytes
	maxName     = 200
	maxSites    = 100
	maxPolicy   = 64
	maxKeys     = 16 << 10 // bytes
	maxPrices   = 1000
	maxPrice    = 1000 * 1_000_000 // micros: 1,000 units a call or record
	maxTiers    = 40
	maxTierFrom = 1e12
)

// Check normalises t and returns all its problems together. It normalises sites and removes
// duplicates, sorts prices, and makes an empty status active. Package settings checks the values of
// the policy.
func (t *Tenant) Check() error {
	t.normalise()
	var faults []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	add(!validClientID(t.ClientID), "client_id %.80q: must be 1 to %d of A-Z a-z 0-9 . _ -", t.ClientID, maxClientID)
	add(!validName(t.Name), "name %.80q: must be at most %d printable characters", t.Name, maxName)
	add(t.Status != Active && t.Status != Suspended, "status %.80q: must be %s or %s", t.Status, Active, Suspended)
	add(t.CallsPerMonth < 0, "calls_per_month %d: must be 0, for no limit, or more", t.CallsPerMonth)
	add(!validCurrency(t.Currency), "currency %.80q: must be a code of ISO 4217 such as EUR, or empty for the publisher's own unit", t.Currency)
	add(len(t.Sites) > maxSites, "sites: must be at most %[2]d, not %[1]d", len(t.Sites), maxSites)
	add(len(t.Secrets) > MaxSecrets, "secrets: must be at most %[2]d, not %[1]d", len(t.Secrets), MaxSecrets)
	add(len(t.Keys) > maxKeys, "keys: must be at most %d bytes", maxKeys)
	add(len(t.Policy) > maxPolicy, "policy: must be at most %[2]d settings, not %[1]d", len(t.Policy), maxPolicy)
	for _, site := range t.Sites {
		if _, err := SiteOrigin(site); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(append(faults, t.checkPrices())...)
}

func (t *Tenant) normalise() {
	if t.Status == "" {
		t.Status = Active
	}
	for i, site := range t.Sites {
		if origin, err := SiteOrigin(site); err == nil {
			t.Sites[i] = origin
		}
	}
	slices.Sort(t.Sites)
	t.Sites = slices.Compact(t.Sites)
	slices.SortStableFunc(t.Prices, func(a, b Price) int { return strings.Compare(a.Since, b.Since) })
}

func validClientID(id string) bool {
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return id != "" && len(id) <= maxClientID
}

// validName reports whether a name can be shown anywhere: it has no line break, no terminal escape,
// and no character that changes the direction of the following text. The two joiners are allowed,
// because Persian and Hindi need them.
func validName(name string) bool {
	for _, r := range name {
		if !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' {
			return false
		}
	}
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName
}
