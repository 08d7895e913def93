package commands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/usage"
)

func (p *program) tenantCommand() *cobra.Command {
	return noun("tenant", "the sites that may embed the corpus",
		`A tenant is an organisation that embeds the corpus in its pages. It is known by
its client_id, gets its tokens with a secret, and pays for its calls.`,
		`  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant set acme policy.token.calls=500 --calls-per-month 100000
  stile tenant rotate-secret acme --overlap 24h`,
		p.tenantAdd(), p.tenantList(), p.tenantShow(), p.tenantSet(),
		p.tenantStatus("suspend", tenants.Suspended, "refuse a tenant's calls until it is resumed",
			"Suspends a tenant: its calls are refused with tenant_suspended and it gets no\ntokens. Nothing is lost, and `stile tenant resume` undoes it."),
		p.tenantStatus("resume", tenants.Active, "let a suspended tenant's calls through again",
			"Resumes a suspended tenant: its live tokens are good again, and it gets new ones."),
		p.tenantRemove(), p.tenantRotate())
}

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
func (f *tenantFlags) change(c *cobra.Command, clientID string, today string) (ch tenantChange, err error) {
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

func parsePrice(text, today string) (tenants.Price, error) {
	amount, since, has := strings.Cut(text, "@")
	if !has {
		since = today
	}
	micros, err := usage.ParseAmount(amount)
	if err != nil {
		return tenants.Price{}, useErrorf("--price %q: %v", text, err)
	}
	if _, err := time.Parse(time.DateOnly, since); err != nil {
		return tenants.Price{}, useErrorf("--price %q: the day must be YYYY-MM-DD", text)
	}
	return tenants.Price{Since: since, Micros: int64(micros)}, nil
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

func (p *program) tenantAdd() *cobra.Command {
	var f tenantFlags
	c := &cobra.Command{Use: "add CLIENT_ID", Short: "add a tenant, and show its secret once",
		Long: `Adds a tenant and prints its client_id and its secret. The secret is shown this
once: only a hash of it is kept. A lost one is replaced by rotate-secret.`,
		Example: `  stile tenant add acme --name "Acme Ltd" --site https://www.acme.example
  stile tenant add acme --price 0.002 --calls-per-month 100000 --json`,
		Args: takes(1, 1, "one CLIENT_ID")}
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		var made credentials
		if err := p.do(c.Context(), "tenant.add", ch, &made); err != nil {
			return err
		}
		return p.showSecret(made)
	}
	return p.prints(c)
}

// credentials are what a tenant's server authenticates with.
type credentials struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
}

func (p *program) showSecret(made credentials) error {
	if p.json {
		return writeJSON(p.out, made)
	}
	err := card(p.out, "client_id", made.ClientID, "client_secret", made.Secret)
	fmt.Fprintln(p.err, "The secret is shown only now: keep it on the tenant's server, never in a page.")
	return err
}

func (p *program) tenantList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list", Short: "list the tenants",
		Long:    "Lists all tenants by client_id, with their status and the calls of this UTC month.",
		Example: "  stile tenant list\n  stile tenant list --json",
		Args:    takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []tenantInfo
			if err := p.do(c.Context(), "tenant.list", tenantQuery{}, &all); err != nil {
				return err
			}
			if p.json {
				views := make([]tenantView, len(all))
				for i := range all {
					views[i] = all[i].tenantView
				}
				return writeJSON(p.out, views)
			}
			var rows [][]string
			for _, t := range all {
				rows = append(rows, []string{t.ClientID, cellOr(t.Name), string(t.Status), t.month(), cellOr(strings.Join(t.Sites, " "))})
			}
			return table(p.out, "CLIENT_ID NAME STATUS MONTH SITES", rows)
		}})
}

func (p *program) tenantShow() *cobra.Command {
	return p.prints(&cobra.Command{Use: "show CLIENT_ID", Short: "show one tenant",
		Long:    "Shows what is kept of a tenant: its sites, quota, prices and settings of its own.",
		Example: "  stile tenant show acme",
		Args:    takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var all []tenantInfo
			if err := p.do(c.Context(), "tenant.list", tenantQuery{ClientID: args[0]}, &all); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, all[0].tenantView)
			}
			return all[0].print(p)
		}})
}

func (t tenantInfo) print(p *program) error {
	pairs := []string{"client_id", t.ClientID, "name", cellOr(t.Name), "status", string(t.Status),
		"sites", cellOr(strings.Join(t.Sites, " ")), "month", t.month(), "since", t.CreatedAt.Format(time.DateOnly)}
	for _, price := range t.Prices {
		pairs = append(pairs, "price", usage.Amount(price.Micros).String()+" a call since "+price.Since)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Policy)) {
		pairs = append(pairs, name, t.Policy[name])
	}
	return card(p.out, pairs...)
}

// month is the calls of the month, of those that there may be.
func (t tenantInfo) month() string {
	if t.CallsPerMonth == 0 {
		return strconv.FormatInt(t.Used, 10)
	}
	return fmt.Sprintf("%d/%d", t.Used, t.CallsPerMonth)
}

func (p *program) tenantSet() *cobra.Command {
	var f tenantFlags
	c := &cobra.Command{Use: "set CLIENT_ID [KEY=VALUE…]", Short: "change a tenant",
		Long: `Changes what is given and leaves the rest. KEY=VALUE is a setting for this tenant
alone, such as policy.token.calls=500 or site=required; KEY= takes it away again,
so that the server's own is good. It holds at once, for live tokens too.
` + "`stile help settings`" + ` marks those that a tenant may have.`,
		Example: `  stile tenant set acme policy.token.calls=500 site=required
  stile tenant set acme policy.token.calls=
  stile tenant set acme --site https://www.acme.example --site https://m.acme.example
  stile tenant set acme --price 0.003@2027-01-01`,
		Args: takes(1, 100, "a CLIENT_ID and any number of KEY=VALUE")}
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		ch, err := f.change(c, args[0], usage.Day(p.now()))
		if err != nil {
			return err
		}
		ch.Policy = map[string]string{}
		for _, pair := range args[1:] {
			name, text, has := strings.Cut(pair, "=")
			if !has {
				return useErrorf("%q is no KEY=VALUE", pair)
			}
			ch.Policy[name] = text
		}
		return p.changeTenant(c.Context(), ch)
	}
	return p.prints(c)
}

func (p *program) tenantStatus(verb string, status tenants.Status, short, long string) *cobra.Command {
	return p.prints(&cobra.Command{Use: verb + " CLIENT_ID", Short: short, Long: long,
		Example: "  stile tenant " + verb + " acme", Args: takes(1, 1, "one CLIENT_ID"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.changeTenant(c.Context(), tenantChange{ClientID: args[0], Status: &status})
		}})
}

func (p *program) changeTenant(ctx context.Context, ch tenantChange) error {
	var t tenantInfo
	if err := p.do(ctx, "tenant.set", ch, &t); err != nil {
		return err
	}
	if p.json {
		return writeJSON(p.out, t.tenantView)
	}
	return t.print(p)
}

func (p *program) tenantRotate() *cobra.Command {
	var overlap string
	c := &cobra.Command{Use: "rotate-secret CLIENT_ID", Short: "give a tenant a new secret, and show it once",
		Long: `Makes a new secret and prints it. The old one is good for --overlap longer, so
that the tenant can change it without a gap; without --overlap it is dead at once.
Tokens that are out stay good.`,
		Example: "  stile tenant rotate-secret acme --overlap 24h",
		Args:    takes(1, 1, "one CLIENT_ID")}
	c.Flags().StringVar(&overlap, "overlap", "0s", "`time` that the old secret stays good, such as 24h or 7d")
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := parseFor("overlap", overlap)
		if err != nil {
			return err
		}
		var made credentials
		if err := p.do(c.Context(), "tenant.rotate-secret", rotation{args[0], d}, &made); err != nil {
			return err
		}
		return p.showSecret(made)
	}
	return p.prints(c)
}

func (p *program) tenantRemove() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove CLIENT_ID", Short: "remove a tenant and its own items",
		Long: `Removes a tenant, its secrets and the items that are its own. Its tokens are
refused from then on; its usage stays, for the statement. It cannot be undone:
` + "`stile tenant suspend`" + ` can.`,
		Example: "  stile tenant remove acme --yes",
		Args:    takes(1, 1, "one CLIENT_ID")}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !yes && isTerminal(p.in) && !p.confirm("Remove "+args[0]+" and its items for good? Type its client_id: ", args[0]) {
			return errors.New("nothing was removed")
		}
		var gone tenantQuery
		if err := p.do(c.Context(), "tenant.remove", tenantQuery{ClientID: args[0]}, &gone); err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.out, map[string]string{"removed": gone.ClientID})
		}
		fmt.Fprintf(p.out, "removed %s\n", printable(gone.ClientID))
		return nil
	}
	return p.prints(c)
}

// confirm asks a person who sits at the terminal.
func (p *program) confirm(question, word string) bool {
	fmt.Fprint(p.err, printable(question))
	line, err := bufio.NewReader(p.in).ReadString('\n')
	return err == nil && strings.TrimSpace(line) == word
}
