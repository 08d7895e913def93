package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what a tenant may have.
const (
	maxClientID = 64 // bytes
	maxName     = 200
	maxSites    = 100
	maxPolicy   = 64
	maxKeys     = 16 << 10 // bytes
	maxPrices   = 1000
	maxPrice    = 1000 * 1_000_000 // micros: 1,000 units a call
)

// Check reports all faults of t at once, after it has brought t into its one
// form: sites normalised and each once, prices in order, no status meaning
// active. What a policy's values may be is for settings to say.
func (t *Tenant) Check() error {
	t.normalise()
	var faults []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	add(!validClientID(t.ClientID), "client_id %.80q: want 1 to %d of A-Z a-z 0-9 . _ -", t.ClientID, maxClientID)
	add(!validName(t.Name), "name %.80q: want at most %d printable characters", t.Name, maxName)
	add(t.Status != Active && t.Status != Suspended, "status %.80q: want %s or %s", t.Status, Active, Suspended)
	add(t.CallsPerMonth < 0, "calls_per_month %d: want 0, for no limit, or more", t.CallsPerMonth)
	add(len(t.Sites) > maxSites, "sites: %d of them, at most %d", len(t.Sites), maxSites)
	add(len(t.Secrets) > maxSecrets, "secrets: %d of them, at most %d", len(t.Secrets), maxSecrets)
	add(len(t.Keys) > maxKeys, "keys: longer than %d bytes", maxKeys)
	add(len(t.Policy) > maxPolicy, "policy: %d settings, at most %d", len(t.Policy), maxPolicy)
	for _, site := range t.Sites {
		if _, err := Origin(site); err != nil {
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
		if origin, err := Origin(site); err == nil {
			t.Sites[i] = origin
		}
	}
	slices.Sort(t.Sites)
	t.Sites = slices.Compact(t.Sites)
	slices.SortStableFunc(t.Prices, func(a, b Price) int { return strings.Compare(a.Since, b.Since) })
}

func (t *Tenant) checkPrices() error {
	if len(t.Prices) > maxPrices {
		return fmt.Errorf("prices: %d of them, at most %d", len(t.Prices), maxPrices)
	}
	for i, p := range t.Prices {
		day, err := time.Parse(time.DateOnly, p.Since)
		switch {
		case err != nil || day.Format(time.DateOnly) != p.Since:
			return fmt.Errorf("price since %.80q: want a day as YYYY-MM-DD", p.Since)
		case p.Micros < 0 || p.Micros > maxPrice:
			return fmt.Errorf("price since %s: want 0 to %d", p.Since, maxPrice/1_000_000)
		case i > 0 && p.Since == t.Prices[i-1].Since:
			return fmt.Errorf("price since %s: given twice", p.Since)
		}
	}
	return nil
}

func validClientID(id string) bool {
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return id != "" && len(id) <= maxClientID
}

// validName says whether a name can be shown anywhere: no line break, no
// terminal's escape, nothing that turns the direction of what follows. The two
// joiners stay: Persian and Hindi are not written without them.
func validName(name string) bool {
	for _, r := range name {
		if !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' {
			return false
		}
	}
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxName
}
