package operations

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/operations/statements"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// TenantName names one tenant.
type TenantName struct {
	ClientID string `json:"client_id"`
}

// TenantView is what --json prints of a tenant.
type TenantView struct {
	ClientID      string            `json:"client_id"`
	Name          string            `json:"name"`
	Sites         []string          `json:"sites"`
	Status        tenants.Status    `json:"status"`
	CallsPerMonth int64             `json:"calls_per_month"`
	Policy        map[string]string `json:"policy"`
}

// TenantInfo is a tenant with what people want to know in addition.
type TenantInfo struct {
	TenantView
	Prices         []Price   `json:"prices"`
	Currency       string    `json:"currency"` // ISO 4217; "": the publisher's own unit
	CreatedAt      time.Time `json:"created_at"`
	CallsThisMonth int64     `json:"calls_this_month"` // of the UTC month
	// What the tenant has; only the operation tenant show counts it.
	Holdings *TenantHoldings `json:"holdings,omitempty"`
}

// TenantHoldings is what a tenant would lose if it were removed.
type TenantHoldings struct {
	Items      int  `json:"items"`       // of its own
	LiveTokens int  `json:"live_tokens"` // that have made a call
	Secrets    int  `json:"secrets"`     // that are valid
	HasKeys    bool `json:"has_keys"`    // it may authenticate by private_key_jwt
}

// Price is what calls and records cost from a day on.
type Price struct {
	Since        string         `json:"since"`         // YYYY-MM-DD, UTC
	Micros       int64          `json:"micros"`        // millionths of the currency unit, for a call
	RecordMicros int64          `json:"record_micros"` // for a record
	Tiers        []tenants.Tier `json:"tiers"`         // other prices, from the n-th of the month on
}

// PriceChange sets prices from a day on. A price that is nil stays as it is on that day.
type PriceChange struct {
	Since        string          `json:"since"` // YYYY-MM-DD, UTC
	Micros       *int64          `json:"micros,omitempty"`
	RecordMicros *int64          `json:"record_micros,omitempty"`
	Tiers        *[]tenants.Tier `json:"tiers,omitempty"` // all of them; empty: there are none
}

func (ch PriceChange) apply(t *tenants.Tenant) {
	p := t.PriceOn(ch.Since)
	p.Since = ch.Since
	if ch.Micros != nil {
		p.Micros = *ch.Micros
	}
	if ch.RecordMicros != nil {
		p.RecordMicros = *ch.RecordMicros
	}
	if ch.Tiers != nil {
		p.Tiers = *ch.Tiers
	}
	t.SetPrice(p)
}

// Credentials are what a tenant's server authenticates with.
type Credentials struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
}

func tenantInfo(d *datadir.Dir, t *tenants.Tenant) TenantInfo {
	view := TenantView{t.ClientID, t.Name, t.Sites, t.Status, t.CallsPerMonth, t.Policy}
	if view.Sites == nil {
		view.Sites = []string{}
	}
	if view.Policy == nil {
		view.Policy = map[string]string{}
	}
	prices := make([]Price, len(t.Prices))
	for i, p := range t.Prices {
		prices[i] = Price{p.Since, p.Micros, p.RecordMicros, append([]tenants.Tier{}, p.Tiers...)}
	}
	return TenantInfo{view, prices, t.Currency, t.CreatedAt, d.Meter.Used(t.Number, d.Now()), nil}
}

// TenantChange describes a new tenant, or what to change of one. A nil field is left as it is.
type TenantChange struct {
	ClientID      string    `json:"client_id"`
	Name          *string   `json:"name,omitempty"`
	Sites         *[]string `json:"sites,omitempty"`           // origins, such as https://www.acme.example; empty: any page
	AddSites      []string  `json:"add_sites,omitempty"`       // to those of before, or to Sites
	InsecureSites []string  `json:"insecure_sites,omitempty"`  // as AddSites, but with plain http
	RemoveSites   []string  `json:"remove_sites,omitempty"`    // each must be one of the tenant's
	CallsPerMonth *int64    `json:"calls_per_month,omitempty"` // 0: no limit
	Keys          *string   `json:"keys,omitempty"`            // a JWK Set; empty: removes it
	// Added to the tenant's prices, or replacing those of the same day.
	Prices []PriceChange `json:"prices,omitempty"`
	// Of the prices, by ISO 4217; empty: the publisher's own unit.
	Currency *string `json:"currency,omitempty"`
	// Settings by name; an empty value removes one.
	Policy map[string]string `json:"policy,omitempty"`
}

func (ch TenantChange) apply(t *tenants.Tenant, s *settings.Settings) error {
	if ch.Name != nil {
		t.Name = *ch.Name
	}
	sites := tenants.SiteChange{Sites: ch.Sites, Add: ch.AddSites, AddAny: ch.InsecureSites, Remove: ch.RemoveSites}
	if err := sites.Apply(t); err != nil {
		return failure.Of(failure.Invalid, err)
	}
	if ch.CallsPerMonth != nil {
		t.CallsPerMonth = *ch.CallsPerMonth
	}
	if ch.Keys != nil {
		if t.Keys = *ch.Keys; t.Keys != "" {
			if _, err := bearer.ParseKeySet(t.Keys); err != nil {
				return failure.New(failure.Invalid, "keys: %w", err)
			}
		}
	}
	for _, price := range ch.Prices {
		price.apply(t)
	}
	if ch.Currency != nil {
		t.Currency = *ch.Currency
	}
	policy := map[string]string{}
	for _, m := range []map[string]string{t.Policy, ch.Policy} {
		for name, text := range m {
			policy[name] = text
			if text == "" {
				delete(policy, name)
			}
		}
	}
	if len(ch.Policy) > 0 {
		if err := s.CheckTenant(policy); err != nil {
			// not an error of a settings file: only the text matters
			return failure.New(failure.Invalid, "%s", err.Error())
		}
	}
	t.Policy = policy
	return failure.Of(failure.Invalid, t.Check())
}

// AddTenant adds a tenant and returns its secret, which is stored only as a hash.
func AddTenant(ctx context.Context, d *datadir.Dir, ch TenantChange) (Credentials, error) {
	plain, secret := tenants.NewSecret(d.Keys.SecretKey())
	t := tenants.Tenant{ClientID: ch.ClientID, Secrets: []tenants.Secret{secret}, CreatedAt: d.Now().UTC()}
	if err := ch.apply(&t, d.Settings()); err != nil {
		return Credentials{}, err
	}
	if _, err := d.Tenants.Add(ctx, t); err != nil {
		if errors.Is(err, tenants.ErrExists) {
			return Credentials{}, tenantExists(t.ClientID)
		}
		return Credentials{}, err
	}
	return Credentials{t.ClientID, plain}, nil
}

func tenantExists(clientID string) error {
	return failure.New(failure.Conflict, "the tenant %s exists already; to change it, use `stile tenant set`, and for a new secret `stile tenant rotate-secret`", clientID)
}

// listTenants returns tenants. While the database does not respond, their calls are those that this
// node knows: the list is what an operator looks at then.
func listTenants(ctx context.Context, d *datadir.Dir, q TenantQuery) ([]TenantInfo, error) {
	all, err := []TenantInfo{}, q.Check()
	if err == nil {
		_ = d.RefreshMeter(ctx)
	}
	for _, t := range d.Tenants.List() {
		if err == nil && q.Selects(t) {
			all = append(all, tenantInfo(d, t))
		}
	}
	return all, err
}

func showTenant(ctx context.Context, d *datadir.Dir, n TenantName) (TenantInfo, error) {
	t, err := lookup.Tenant(d, n.ClientID)
	if err != nil {
		return TenantInfo{}, err
	}
	if err := d.RefreshMeter(ctx); err != nil {
		return TenantInfo{}, err
	}
	live, err := d.LiveTokens(ctx)
	info := tenantInfo(d, t)
	info.Holdings = &TenantHoldings{Items: d.Store.Items(t.Number), LiveTokens: live[t.Number], Secrets: t.ValidSecrets(d.Now()), HasKeys: t.Keys != ""}
	return info, err
}

// SetTenant changes a tenant.
func SetTenant(ctx context.Context, d *datadir.Dir, ch TenantChange) (TenantInfo, error) {
	return updateTenant(ctx, d, ch.ClientID, func(t *tenants.Tenant) error {
		before := *t
		if err := ch.apply(t, d.Settings()); err != nil || len(ch.Prices) == 0 {
			return err
		}
		// in the transaction of the change, so no month is closed in between
		return statements.CheckPrices(ctx, d, &before, t)
	})
}

func suspendTenant(ctx context.Context, d *datadir.Dir, n TenantName) (TenantInfo, error) {
	return setStatus(ctx, d, n.ClientID, tenants.Suspended)
}

// ResumeTenant makes a tenant active. It changes nothing if the tenant is active already.
func ResumeTenant(ctx context.Context, d *datadir.Dir, n TenantName) (TenantInfo, error) {
	return setStatus(ctx, d, n.ClientID, tenants.Active)
}

func setStatus(ctx context.Context, d *datadir.Dir, clientID string, status tenants.Status) (TenantInfo, error) {
	t, err := d.Watch.Update(ctx, clientID, func(t *tenants.Tenant) error { t.Status = status; return nil })
	if err != nil {
		return TenantInfo{}, explainUnknown(clientID, err)
	}
	return tenantInfo(d, &t), nil
}

func updateTenant(ctx context.Context, d *datadir.Dir, clientID string, change func(*tenants.Tenant) error) (TenantInfo, error) {
	t, err := d.Tenants.Update(ctx, clientID, change)
	if err != nil {
		return TenantInfo{}, explainUnknown(clientID, err)
	}
	return tenantInfo(d, &t), nil
}

// SecretRotation describes a new secret.
type SecretRotation struct {
	ClientID string   `json:"client_id"`
	Overlap  Duration `json:"overlap,omitempty"` // how long the old secret stays valid
}

func (r SecretRotation) check() error {
	if r.Overlap < 0 || r.Overlap > Duration(366*24*time.Hour) {
		return failure.New(failure.Invalid, "overlap: must be from 0 to 366d")
	}
	return nil
}

// RotateSecret gives a tenant a new secret and returns it.
func RotateSecret(ctx context.Context, d *datadir.Dir, r SecretRotation) (Credentials, error) {
	if err := r.check(); err != nil {
		return Credentials{}, err
	}
	plain, err := d.Tenants.RotateSecret(ctx, r.ClientID, d.Now(), time.Duration(r.Overlap))
	if err != nil {
		return Credentials{}, explainUnknown(r.ClientID, err)
	}
	return Credentials{r.ClientID, plain}, nil
}

// Removed names what was removed.
type Removed struct {
	Removed string `json:"removed"`
}

func removeTenant(ctx context.Context, d *datadir.Dir, n TenantName) (Removed, error) {
	if err := d.Tenants.Remove(ctx, n.ClientID); err != nil {
		return Removed{}, explainUnknown(n.ClientID, explainImport(err))
	}
	return Removed{n.ClientID}, nil
}

// explainUnknown replaces tenants.ErrNotFound by an error that says what to do.
func explainUnknown(clientID string, err error) error {
	if errors.Is(err, tenants.ErrNotFound) {
		return lookup.Unknown(clientID)
	}
	return err
}
