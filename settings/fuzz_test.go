package settings_test

import (
	"reflect"
	"testing"

	"stile.example/stile/settings"
	"stile.example/stile/tenants"
)

// FuzzTenantPolicy checks that no setting of a tenant changes the server's own policy, and that
// what is accepted stays within what the rules can count.
func FuzzTenantPolicy(f *testing.F) {
	for name, value := range map[string]string{"policy.token.calls": "500", "policy.challenge.ladder": "work,picture", "policy.observe": "spike", "policy.spike.per": "1h", "policy.token.bind_within": "48h", "listen": ":1"} {
		f.Add(name, value)
	}
	s, err := settings.Load(settings.Source{})
	if err != nil {
		f.Fatal(err)
	}
	before, err := s.For(&tenants.Tenant{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		p, _ := s.For(&tenants.Tenant{Policy: map[string]string{name: value}})
		if p.Token.Calls < 1 || p.Token.PerToken < 1 || len(p.Token.Ladder) == 0 || p.Lifetime <= 0 || p.Token.BindWithin > p.Lifetime {
			t.Errorf("%s=%q: %+v", name, value, p)
		}
		if after, err := s.For(&tenants.Tenant{}); err != nil || !reflect.DeepEqual(after, before) {
			t.Errorf("%s=%q has changed the server's policy: %+v, %v", name, value, after, err)
		}
	})
}
