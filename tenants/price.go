package tenants

import (
	"slices"
	"strings"
)

// PriceOn is what a call costs on a UTC day (YYYY-MM-DD), in millionths: the
// last price since then or before, 0 before the first.
func (t *Tenant) PriceOn(day string) int64 {
	i, found := slices.BinarySearchFunc(t.Prices, day, bySince)
	switch {
	case found:
		return t.Prices[i].Micros
	case i > 0:
		return t.Prices[i-1].Micros
	}
	return 0
}

// SetPrice is the price from a day on, in place of one since the same day.
func (t *Tenant) SetPrice(p Price) {
	i, found := slices.BinarySearchFunc(t.Prices, p.Since, bySince)
	if found {
		t.Prices[i] = p
		return
	}
	t.Prices = slices.Insert(t.Prices, i, p)
}

func bySince(p Price, day string) int { return strings.Compare(p.Since, day) }
