package server

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"stile.example/stile/handlers"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
)

// policies returns every tenant's effective policy. It is needed at each call, so it is cached
// until the tenant or the settings change.
type policies struct {
	log   *slog.Logger
	cache atomic.Pointer[policyCache]
}

// policyCache has the policies under one set of settings.
type policyCache struct {
	settings *settings.Settings
	own      handlers.Policy // the server's, for requests that name no tenant
	entries  sync.Map        // *policyEntry by the tenant's number; bounded by the number of tenants
}

// policyEntry is the policy of a tenant, and the tenant for which it was computed.
type policyEntry struct {
	tenant *tenants.Tenant
	policy handlers.Policy
}

func newPolicies(s *settings.Settings, log *slog.Logger) *policies {
	p := &policies{log: log}
	p.use(s)
	return p
}

// use empties the cache and adopts new settings.
func (p *policies) use(s *settings.Settings) {
	p.cache.Store(&policyCache{settings: s, own: policyOf(s.Policy)})
}

// of returns a tenant's policy, or the server's own for nil. A changed tenant is another value, so
// comparing the pointer shows whether the entry is current.
func (p *policies) of(t *tenants.Tenant) handlers.Policy {
	c := p.cache.Load()
	if t == nil {
		return c.own
	}
	if kept, ok := c.entries.Load(t.Number); ok && kept.(*policyEntry).tenant == t {
		return kept.(*policyEntry).policy
	}
	own, err := c.settings.For(t)
	if err != nil {
		p.log.Warn("a tenant's setting is no longer allowed; the server's own is used", "tenant", t.ClientID, "err", err)
	}
	entry := &policyEntry{t, policyOf(own)}
	c.entries.Store(t.Number, entry)
	return entry.policy
}

// policyOf returns a policy in the form that the handlers need.
func policyOf(p settings.Policy) handlers.Policy {
	return handlers.Policy{
		Token: p.Tokens(), Lifetime: p.Lifetime, Site: p.Site, QueryTokens: p.QueryTokens, JSONP: p.JSONP, Callbacks: p.Callbacks,
		ObserveClient: p.Observes("client"),
	}
}
