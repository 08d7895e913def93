package server

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"stile.example/stile/handlers"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
)

// policies is every tenant's effective policy. It is asked at each call, so it
// keeps the one that it worked out until the tenant or the settings change.
type policies struct {
	log  *slog.Logger
	book atomic.Pointer[policyCache]
}

// policyCache is the policies under one set of settings.
type policyCache struct {
	settings *settings.Settings
	own      handlers.Policy // the server's, for requests that name no tenant
	pages    sync.Map        // tenant's number: *page. Bounded by the tenants
}

// policyEntry is the policy of one tenant as it was when the policy was worked out.
type policyEntry struct {
	tenant *tenants.Tenant
	policy handlers.Policy
}

func newPolicies(s *settings.Settings, log *slog.Logger) *policies {
	p := &policies{log: log}
	p.use(s)
	return p
}

// use begins anew with other settings.
func (p *policies) use(s *settings.Settings) {
	p.book.Store(&policyCache{settings: s, own: policyOf(s.Policy)})
}

// of is a tenant's policy, and the server's own for nil. A tenant that changes is another value, so it is
// the pointer that tells whether the page is still right.
func (p *policies) of(t *tenants.Tenant) handlers.Policy {
	b := p.book.Load()
	if t == nil {
		return b.own
	}
	if kept, ok := b.pages.Load(t.Number); ok && kept.(*policyEntry).tenant == t {
		return kept.(*policyEntry).policy
	}
	own, err := b.settings.For(t)
	if err != nil {
		p.log.Warn("a tenant's setting is no longer allowed; the server's own is used", "tenant", t.ClientID, "err", err)
	}
	fresh := &policyEntry{t, policyOf(own)}
	b.pages.Store(t.Number, fresh)
	return fresh.policy
}

// policyOf is a policy as the handlers know it.
func policyOf(p settings.Policy) handlers.Policy {
	return handlers.Policy{
		Token: p.Tokens(), Lifetime: p.Lifetime, Site: p.Site, QueryTokens: p.QueryTokens, JSONP: p.JSONP, Callbacks: p.Callbacks,
		ObserveClient: p.Observes("client"),
	}
}
