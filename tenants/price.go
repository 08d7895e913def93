package tenants

import "strings"

// PriceOn is what a call costs on a UTC day (YYYY-MM-DD), in millionths: the
// last price since then or before, 0 before the first.
func (t *Tenant) PriceOn(day string) int64 {
	var micros int64
	for _, p := range t.Prices {
		if strings.Compare(p.Since, day) <= 0 {
			micros = p.Micros
		}
	}
	return micros
}

// SetPrice is the price from a day on, in place of one since the same day.
func (t *Tenant) SetPrice(p Price) {
	for i := range t.Prices {
		if t.Prices[i].Since == p.Since {
			t.Prices[i] = p
			return
		}
	}
	t.Prices = append(t.Prices, p)
}
