package bearer

import (
	"testing"
	"time"
)

// TestPersonsOfDialects checks which products' tokens show a person. Those that name a UUID of a
// service account, or a person without a sign-in (Auth0), are nobody's.
func TestPersonsOfDialects(t *testing.T) {
	persons := map[string]bool{"Keycloak, user": true, "Okta": true}
	for _, d := range dialects {
		o := d.speaking(t)
		v := trusting(t, o)
		for range 2 { // the second one is cached
			c, err := v.Verify(o.sign(t, d.header, d.claims), noon)
			if err != nil || (c.Person != [16]byte{}) != persons[d.name] {
				t.Errorf("%s: a person: %x, %v", d.name, c.Person, err)
			}
		}
	}
}

// TestPersons checks what makes a token a person's. A service account of Keycloak in a realm as the
// guide sets it up has neither a user name nor another sign of its own.
func TestPersons(t *testing.T) {
	const uuid = "5f3a4bd5-2f22-4c3a-8b53-5d9f13e0c011"
	o := newOutsider(t, idp, "EdDSA")
	o.Clients["Other"] = "acme"
	v := trusting(t, o)
	user := o.claims().with("sub", uuid).with("auth_time", noon.Add(-time.Hour).Unix())
	for name, c := range map[string]struct {
		claims fields
		want   bool
	}{
		"signed in":                      {user, true},
		"signed in, with a name":         {user.with("preferred_username", "ann"), true},
		"signed in by a password":        {user.with("gty", "password"), true},
		"service account, basic scope":   {o.claims().with("sub", uuid), false},
		"service account with a session": {o.claims().with("sub", uuid).with("sid", "s").with("session_state", "s").with("acr", "1"), false},
		"service account, named":         {user.with("preferred_username", "service-account-app"), false},
		"in capitals":                    {user.with("preferred_username", "Service-Account-app"), false},
		"service account, address":       {user.with("clientAddress", "192.0.2.1"), false},
		"service account, host":          {user.with("clientHost", "192.0.2.1"), false},
		"Auth0, machine":                 {user.with("sub", "app@clients"), false},
		"Auth0, another machine":         {user.with("sub", "unknown@clients"), false},
		"Auth0, gty":                     {user.with("gty", "client-credentials"), false},
		"gty of another type":            {user.with("gty", []string{"client-credentials"}), false},
		"grant_type":                     {user.with("grant_type", "client_credentials"), false},
		"Entra ID, app":                  {user.with("idtyp", "app"), false},
		"the client":                     {user.with("sub", "app"), false},
		"the client in capitals":         {user.with("sub", "APP"), false},
		"another client":                 {user.with("sub", "other"), false},
		"a client that isn't a tenant's": {user.with("azp", "new").with("sub", "New"), false},
		"no subject":                     {user.with("sub", nil), false},
		"auth_time 0":                    {user.with("auth_time", 0), false},
		"auth_time is not a time":        {user.with("auth_time", "x"), false},
		"username in a JWT":              {o.claims().with("sub", uuid).with("username", "ann"), false},
		"an active username in a JWT":    {o.claims().with("sub", uuid).with("username", "ann").with("active", true), false},
	} {
		token := o.sign(t, o.header(), c.claims)
		for range 2 { // the second one is cached
			if got, err := v.Verify(token, noon); err != nil || (got.Person != [16]byte{}) != c.want {
				t.Errorf("%s: a person: %x, %v", name, got.Person, err)
			}
		}
	}
}

// TestPersonsNames checks that a person has one name for each issuer, and that our own tokens have
// none.
func TestPersonsNames(t *testing.T) {
	o, other := newOutsider(t, idp, "EdDSA"), newOutsider(t, "https://other.example", "EdDSA")
	v := trusting(t, o, other)
	signedIn := func(o *outsider, subject, jti string) string {
		return o.sign(t, o.header(), o.claims().with("sub", subject).with("jti", jti).with("auth_time", noon.Unix()))
	}
	names := map[[16]byte]bool{}
	for n, token := range []string{signedIn(o, "ann", "1"), signedIn(o, "ann", "2"), signedIn(o, "bob", "1"), signedIn(other, "ann", "1")} {
		c, err := v.Verify(token, noon)
		if names[c.Person] = true; err != nil || len(names) != max(n, 1) {
			t.Errorf("token %d: %d names, %v", n, len(names), err)
		}
	}
	k := v.keys.Set().Signing()
	if c, err := v.Verify(forge(t, k, goodHeader(k).String(), goodClaims().String()), noon); err != nil || c.Person != [16]byte{} {
		t.Errorf("our own: %+v, %v", c, err)
	}
}
