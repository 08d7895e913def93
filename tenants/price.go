package tenants

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/currency"
)

// Price is what calls and records cost from a UTC day on. It replaces the price of the days before
// as a whole: a price without tiers has none.
type Price struct {
	Since        string // YYYY-MM-DD
	Micros       int64  // for one call, in millionths of the currency unit
	RecordMicros int64  `json:",omitempty"` // for one record
	Tiers        []Tier `json:",omitempty"` // by Unit and From, ascending
}

// Tier is another price from the n-th call, or record, of a tenant's UTC month on.
type Tier struct {
	Unit   Unit  `json:"unit"`
	From   int64 `json:"from"`   // number of the first one that costs Micros, 2 or more
	Micros int64 `json:"micros"` // for each
}

// Unit is what a tier counts.
type Unit string

// The units.
const (
	Calls   Unit = "calls"
	Records Unit = "records"
)

// PriceOn returns the price on a UTC day (YYYY-MM-DD): the last price since that day or before, and
// the zero price before the first.
func (t *Tenant) PriceOn(day string) Price { return PriceOn(t.Prices, day) }

// PriceOn returns the price on a UTC day, of prices that are sorted by Since.
func PriceOn(prices []Price, day string) Price {
	i, found := slices.BinarySearchFunc(prices, day, bySince)
	switch {
	case found:
		return prices[i]
	case i > 0:
		return prices[i-1]
	}
	return Price{}
}

// SetPrice sets the price from a day on. It replaces a price since the same day.
func (t *Tenant) SetPrice(p Price) {
	prices := slices.Clone(t.Prices) // the tenant may be shared
	i, found := slices.BinarySearchFunc(prices, p.Since, bySince)
	if found {
		prices[i] = p
	} else {
		prices = slices.Insert(prices, i, p)
	}
	t.Prices = prices
}

func bySince(p Price, day string) int { return strings.Compare(p.Since, day) }

// checkPrices sorts the tiers of the prices, and returns the first problem of a price. The prices
// must be sorted.
func (t *Tenant) checkPrices() error {
	if len(t.Prices) > maxPrices {
		return fmt.Errorf("prices: must be at most %d, not %d", maxPrices, len(t.Prices))
	}
	for i, p := range t.Prices {
		day, err := time.Parse(time.DateOnly, p.Since)
		switch {
		case err != nil || day.Format(time.DateOnly) != p.Since:
			return fmt.Errorf("price since %.80q: must be a day as YYYY-MM-DD", p.Since)
		case isPrice(p.Micros) != nil:
			return fmt.Errorf("price since %s: %w", p.Since, isPrice(p.Micros))
		case isPrice(p.RecordMicros) != nil:
			return fmt.Errorf("price of a record since %s: %w", p.Since, isPrice(p.RecordMicros))
		case i > 0 && p.Since == t.Prices[i-1].Since:
			return fmt.Errorf("price since %s: must not be given twice", p.Since)
		}
		if t.Prices[i].Tiers, err = checkTiers(p.Tiers); err != nil {
			return fmt.Errorf("price since %s: %w", p.Since, err)
		}
	}
	return nil
}

// checkTiers returns the tiers in order, or what is wrong with them.
func checkTiers(tiers []Tier) ([]Tier, error) {
	if len(tiers) > maxTiers {
		return nil, fmt.Errorf("tiers: must be at most %d, not %d", maxTiers, len(tiers))
	}
	tiers = slices.Clone(tiers)
	slices.SortFunc(tiers, func(a, b Tier) int { return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.From, b.From)) })
	for i, t := range tiers {
		switch {
		case t.Unit != Calls && t.Unit != Records:
			return nil, fmt.Errorf("tier of %.80q: must be of %s or %s", t.Unit, Calls, Records)
		case t.From < 2 || t.From > maxTierFrom:
			return nil, fmt.Errorf("tier of %s from %d: must begin with a number from 2 to %d", t.Unit, t.From, int64(maxTierFrom))
		case isPrice(t.Micros) != nil:
			return nil, fmt.Errorf("tier of %s from %d: %w", t.Unit, t.From, isPrice(t.Micros))
		case i > 0 && t.Unit == tiers[i-1].Unit && t.From == tiers[i-1].From:
			return nil, fmt.Errorf("tier of %s from %d: must not be given twice", t.Unit, t.From)
		}
	}
	return tiers, nil
}

func isPrice(micros int64) error {
	if micros < 0 || micros > maxPrice {
		return fmt.Errorf("must be 0 to %d", maxPrice/1_000_000)
	}
	return nil
}

// validCurrency reports whether a text is a currency's code in ISO 4217, or empty.
func validCurrency(code string) bool {
	unit, err := currency.ParseISO(code)
	return code == "" || err == nil && unit.String() == code && unit != currency.XXX
}
