package tenants

import (
	"slices"
	"strings"
)

// PriceOn returns the price of a call on a UTC day (YYYY-MM-DD) in millionths: the last price since
// that day or before, 0 before the first.
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

// SetPrice sets the price from a day on. It replaces a price since the same day.
func (t *Tenant) SetPrice(p Price) {
	i, found := slices.BinarySearchFunc(t.Prices, p.Since, bySince)
	if found {
		t.Prices[i] = p
		return
	}
	t.Prices = slices.Insert(t.Prices, i, p)
}

func bySince(p Price, day string) int { return strings.Compare(p.Since, day) }
