package tenantflags

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// priceFlags are the flags about prices.
type priceFlags struct {
	call, record, tier []string
	currency           string
}

func (f *priceFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.call, "price", nil, "price of a call, `AMOUNT[@DAY]`, such as 0.002 (from today on) or 0.003@2027-01-01")
	c.Flags().StringArrayVar(&f.record, "price-per-record", nil, "price of a record, `AMOUNT[@DAY]`, in addition to that of the call")
	c.Flags().StringArrayVar(&f.tier, "tier", nil, "another price from the n-th call or record of the UTC month on, `UNIT:N=AMOUNT[@DAY]`, such as calls:10001=0.0015 or records:50001=0.0001; repeat it for more. It replaces all tiers of before; none removes them")
	c.Flags().StringVar(&f.currency, "currency", "", "`currency` of the prices by ISO 4217, such as EUR; an empty one means the publisher's own unit")
}

// changes returns what the flags set, by day.
func (f *priceFlags) changes(today string) (list []operations.PriceChange, err error) {
	on := func(day string) *operations.PriceChange {
		i := slices.IndexFunc(list, func(ch operations.PriceChange) bool { return ch.Since == day })
		if i < 0 {
			i = len(list)
			list = append(list, operations.PriceChange{Since: day})
		}
		return &list[i]
	}
	for _, text := range f.call {
		micros, day, err := parsePrice("price", text, text, today)
		if err != nil {
			return nil, err
		}
		on(day).Micros = &micros
	}
	for _, text := range f.record {
		micros, day, err := parsePrice("price-per-record", text, text, today)
		if err != nil {
			return nil, err
		}
		on(day).RecordMicros = &micros
	}
	for _, text := range f.tier {
		tier, day, err := parseTier(text, today)
		if err != nil {
			return nil, err
		}
		ch := on(day)
		if ch.Tiers == nil {
			ch.Tiers = &[]tenants.Tier{}
		}
		if tier != nil {
			*ch.Tiers = append(*ch.Tiers, *tier)
		}
	}
	return list, nil
}

// parsePrice parses AMOUNT[@DAY]. whole is the flag's whole value, for errors.
func parsePrice(flag, whole, text, today string) (micros int64, day string, err error) {
	amount, day, has := strings.Cut(text, "@")
	if !has {
		day = today
	}
	a, err := usage.ParseAmount(amount)
	if err != nil {
		return 0, "", syntax.Errorf("--%s %q: %v", flag, whole, err)
	}
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return 0, "", syntax.Errorf("--%s %q: the day must be written YYYY-MM-DD", flag, whole)
	}
	return int64(a), day, nil
}

// parseTier parses UNIT:N=AMOUNT[@DAY]. It returns nil for none.
func parseTier(text, today string) (*tenants.Tier, string, error) {
	if rest, is := strings.CutPrefix(text, "none"); is && (rest == "" || rest[0] == '@') {
		_, day, err := parsePrice("tier", text, "0"+rest, today)
		return nil, day, err
	}
	unit, rest, hasUnit := strings.Cut(text, ":")
	from, price, hasPrice := strings.Cut(rest, "=")
	n, err := strconv.ParseInt(from, 10, 64)
	if u := tenants.Unit(unit); !hasUnit || !hasPrice || err != nil || u != tenants.Calls && u != tenants.Records {
		return nil, "", syntax.Errorf("--tier %q: must be UNIT:N=AMOUNT[@DAY], such as calls:10001=0.0015, or none", text)
	}
	micros, day, err := parsePrice("tier", text, price, today)
	return &tenants.Tier{Unit: tenants.Unit(unit), From: n, Micros: micros}, day, err
}

// Prices returns prices as lines for people: what a call, a record and each tier costs, since when.
func Prices(prices []operations.Price, currency string) (lines []string) {
	suffix := ""
	if currency != "" {
		suffix = " " + currency
	}
	for _, p := range prices {
		since := " since " + p.Since
		lines = append(lines, usage.Amount(p.Micros).String()+suffix+" a call"+since)
		if p.RecordMicros != 0 {
			lines = append(lines, usage.Amount(p.RecordMicros).String()+suffix+" a record"+since)
		}
		for _, t := range p.Tiers {
			lines = append(lines, usage.Amount(t.Micros).String()+suffix+" for "+string(t.Unit)+" from number "+strconv.FormatInt(t.From, 10)+" of the month"+since)
		}
	}
	return lines
}
