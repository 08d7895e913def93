package commands

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/operations"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/usage"
)

// tenantFlags are the flags of `tenant add` and `tenant set`.
type tenantFlags struct {
	name, keys   string
	sites, price []string
	callsPerMon  int64
}

func (f *tenantFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.name, "name", "", "`name` of the organisation")
	c.Flags().StringArrayVar(&f.sites, "site", nil, "`origin` of its pages, such as https://www.acme.example; repeat for more; none: any page")
	c.Flags().Int64Var(&f.callsPerMon, "calls-per-month", 0, "calls that it may make in a UTC month; 0: no limit")
	c.Flags().StringArrayVar(&f.price, "price", nil, "what a call costs, `AMOUNT[@DAY]`, such as 0.002 (from today on) or 0.003@2027-01-01")
	c.Flags().StringVar(&f.keys, "keys", "", "`file` with its JWK Set, for private_key_jwt instead of the secret")
}

// change is what of it was given.
func (f *tenantFlags) change(c *cobra.Command, clientID string, today string) (ch operations.TenantChange, err error) {
	ch.ClientID = clientID
	given := c.Flags().Changed
	if given("name") {
		ch.Name = &f.name
	}
	if given("site") {
		ch.Sites = &f.sites
	}
	if given("calls-per-month") {
		ch.CallsPerMonth = &f.callsPerMon
	}
	for _, text := range f.price {
		price, err := parsePrice(text, today)
		if err != nil {
			return ch, err
		}
		ch.Prices = append(ch.Prices, price)
	}
	if given("keys") {
		text, err := readKeySet(f.keys)
		if err != nil {
			return ch, err
		}
		ch.Keys = &text
	}
	return ch, nil
}

func parsePrice(text, today string) (operations.Price, error) {
	amount, since, has := strings.Cut(text, "@")
	if !has {
		since = today
	}
	micros, err := usage.ParseAmount(amount)
	if err != nil {
		return operations.Price{}, useErrorf("--price %q: %v", text, err)
	}
	if _, err := time.Parse(time.DateOnly, since); err != nil {
		return operations.Price{}, useErrorf("--price %q: the day must be YYYY-MM-DD", text)
	}
	return operations.Price{Since: since, Micros: int64(micros)}, nil
}

// readKeySet reads a tenant's public keys; "" takes them away.
func readKeySet(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the tenant's keys: %w", err)
	}
	if _, err := bearer.ParseKeySet(string(text)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(text), nil
}
