package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/tenants"
)

// tenantView is what --json prints of a tenant.
type tenantView struct {
	ClientID      string            `json:"client_id"`
	Name          string            `json:"name"`
	Sites         []string          `json:"sites"`
	Status        tenants.Status    `json:"status"`
	CallsPerMonth int64             `json:"calls_per_month"`
	Policy        map[string]string `json:"policy"`
}

// tenantInfo is what a person is shown of one.
type tenantInfo struct {
	tenantView
	Prices    []tenants.Price
	CreatedAt time.Time
	Used      int64 // calls in this month
}

func (a *app) info(t *tenants.Tenant) tenantInfo {
	view := tenantView{t.ClientID, t.Name, t.Sites, t.Status, t.CallsPerMonth, t.Policy}
	if view.Sites == nil {
		view.Sites = []string{}
	}
	if view.Policy == nil {
		view.Policy = map[string]string{}
	}
	return tenantInfo{view, t.Prices, t.CreatedAt, a.meter.Used(t.Number, a.now())}
}

// tenantChange is what to change; what is nil stays.
type tenantChange struct {
	ClientID      string
	Name          *string
	Sites         *[]string
	Status        *tenants.Status
	CallsPerMonth *int64
	Keys          *string
	Prices        []tenants.Price
	Policy        map[string]string // "" takes a setting away
}

func (ch tenantChange) apply(t *tenants.Tenant, s *settings.Settings) error {
	if ch.Name != nil {
		t.Name = *ch.Name
	}
	if ch.Sites != nil {
		t.Sites = *ch.Sites
	}
	if ch.Status != nil {
		t.Status = *ch.Status
	}
	if ch.CallsPerMonth != nil {
		t.CallsPerMonth = *ch.CallsPerMonth
	}
	if ch.Keys != nil {
		t.Keys = *ch.Keys
	}
	for _, price := range ch.Prices {
		t.SetPrice(price)
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
			return errors.New(err.Error()) // no fault of a settings file: the text is what matters
		}
	}
	t.Policy = policy
	return nil
}

func addTenant(ctx context.Context, a *app, ch tenantChange) (credentials, error) {
	plain, secret := tenants.NewSecret(a.keys.SecretKey())
	t := tenants.Tenant{ClientID: ch.ClientID, Secrets: []tenants.Secret{secret}, CreatedAt: a.now().UTC()}
	if err := ch.apply(&t, a.settings()); err != nil {
		return credentials{}, err
	}
	if _, err := a.tenants.Add(ctx, t); err != nil {
		if errors.Is(err, tenants.ErrExists) {
			return credentials{}, fmt.Errorf("there is a tenant %s already; `stile tenant set` changes it, `stile tenant rotate-secret` gives it a new secret", t.ClientID)
		}
		return credentials{}, err
	}
	return credentials{t.ClientID, plain}, nil
}

// tenantQuery names one tenant, or none for all of them.
type tenantQuery struct{ ClientID string }

func listTenants(_ context.Context, a *app, q tenantQuery) ([]tenantInfo, error) {
	if q.ClientID != "" {
		t, err := a.find(q.ClientID)
		if err != nil {
			return nil, err
		}
		return []tenantInfo{a.info(t)}, nil
	}
	all := []tenantInfo{}
	for _, t := range a.tenants.List() {
		all = append(all, a.info(t))
	}
	return all, nil
}

func setTenant(ctx context.Context, a *app, ch tenantChange) (tenantInfo, error) {
	t, err := a.tenants.Update(ctx, ch.ClientID, func(t *tenants.Tenant) error { return ch.apply(t, a.settings()) })
	if err != nil {
		return tenantInfo{}, a.known(ch.ClientID, err)
	}
	return a.info(&t), nil
}

// rotation is a new secret, and how long the old one stays good.
type rotation struct {
	ClientID string
	Overlap  time.Duration
}

func rotateSecret(ctx context.Context, a *app, r rotation) (credentials, error) {
	plain, err := a.tenants.RotateSecret(ctx, r.ClientID, a.now(), r.Overlap)
	if err != nil {
		return credentials{}, a.known(r.ClientID, err)
	}
	return credentials{r.ClientID, plain}, nil
}

func removeTenant(ctx context.Context, a *app, q tenantQuery) (tenantQuery, error) {
	if err := a.tenants.Remove(ctx, q.ClientID); err != nil {
		return tenantQuery{}, a.known(q.ClientID, err)
	}
	return q, nil
}

// find is the tenant of a client_id, or an error that says what to do.
func (a *app) find(clientID string) (*tenants.Tenant, error) {
	t, ok := a.tenants.Find(clientID)
	if !ok {
		return nil, a.known(clientID, tenants.ErrNotFound)
	}
	return t, nil
}

// known says of an unknown tenant what to do.
func (a *app) known(clientID string, err error) error {
	if errors.Is(err, tenants.ErrNotFound) {
		return fmt.Errorf("there is no tenant %s; `stile tenant list` lists them, `stile tenant add` adds one", clientID)
	}
	return err
}
