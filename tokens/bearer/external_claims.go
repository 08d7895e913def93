package bearer

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"stile.example/stile/tokens"
	"stile.example/stile/tokens/readable"
)

// clientClaims are the names of the claim that names the client: RFC 9068; OpenID Connect, Keycloak
// and Auth0; Okta; older Keycloaks.
var clientClaims = []string{"client_id", "azp", "cid", "clientId"}

// moment is when a token is checked, and how long the longest one may be valid.
type moment struct {
	now     time.Time
	longest time.Duration
}

// claimCheck checks some claims of an external issuer's token, and reads them into c.
type claimCheck struct {
	name  string // in [Verifier.Examine]
	check func(i *Issuer, m members, c *Claims, at moment) error
}

// claimChecks are all checks of the claims, in order.
var claimChecks = []claimCheck{
	{"audience", (*Issuer).checkAudience},
	{"type", (*Issuer).isForCalls},
	{"client", (*Issuer).readClient},
	{"identity", (*Issuer).readNames},
	{"holder", (*Issuer).readHolder},
	{"times", (*Issuer).readTimes},
}

// readClaims reads the claims of an external issuer's token. It does not set the ID of a token
// without a jti: see [Issuer.identify].
func (i *Issuer) readClaims(m members, at moment) (c Claims, err error) {
	c = Claims{Issuer: i.Name}
	for _, c0 := range claimChecks {
		if err := c0.check(i, m, &c, at); err != nil {
			return Claims{}, err
		}
	}
	return c, nil
}

func (i *Issuer) checkAudience(m members, _ *Claims, _ moment) error {
	list := m.audience()
	switch {
	case slices.ContainsFunc(list, func(aud string) bool { return slices.Contains(i.Audiences, aud) }):
		return nil
	case m["aud"] == nil:
		return invalidf("aud is missing, want %s", readable.Allowed(i.Audiences))
	case len(list) == 0:
		return invalidf("aud is not a text or a list of texts, want %s", readable.Allowed(i.Audiences))
	}
	got, want := readable.List(list, ", "), readable.Allowed(i.Audiences)
	return differs{invalidf("aud is %s, want %s", got, want), Difference{Claim: "aud", Got: got, Want: want}}
}

// isForCalls refuses tokens that an issuer signs with the same keys and for the same audience, but
// not for an API: ID tokens (OpenID Connect Core §3.1.3.6), logout tokens, Keycloak's refresh
// tokens, Cognito's ID tokens. A hash that identifies the issuer's access tokens does not exclude
// them: see [Issuer.IDClaim].
func (i *Issuer) isForCalls(m members, _ *Claims, _ moment) error {
	for _, c := range []struct{ claim, kind string }{{"at_hash", "an ID token"}, {"c_hash", "an ID token"}, {"events", "a logout token"}} {
		if m[c.claim] != nil && c.claim != i.IDClaim {
			return invalidf("not an access token: %s marks %s", c.claim, c.kind)
		}
	}
	typ, ok1 := m.text("typ")
	use, ok2 := m.text("token_use")
	switch {
	case !ok1 || !ok2:
		return invalid("not an access token: the claim typ or token_use is not a text")
	case typ != "" && !strings.EqualFold(typ, "Bearer") && !strings.EqualFold(typ, "DPoP"):
		return invalidf("not an access token: the claim typ is %s, want Bearer or DPoP", readable.Text(typ))
	case !slices.Contains([]string{"", "access", "access_token"}, use):
		return invalidf("not an access token: token_use is %s, want access", readable.Text(use))
	}
	return nil
}

func (i *Issuer) readClient(m members, c *Claims, _ moment) error {
	client, err := i.clientIn(m)
	if err != nil {
		return err
	}
	if c.Client = i.Clients[client]; c.Client == "" {
		c.Unmapped = client
	}
	return nil
}

// clientIn returns the issuer's own name of the client. If several claims name it, they must agree.
func (i *Issuer) clientIn(m members) (client string, err error) {
	names, by := i.clientClaims(), ""
	for _, name := range names {
		s, ok := m.text(name)
		switch {
		case !ok:
			return "", invalidf("%s is not a text: it must name the client", name)
		case s != "" && client != "" && s != client:
			return "", invalidf("its claims name two clients: %s is %s, and %s is %s", by, readable.Text(client), name, readable.Text(s))
		case s != "":
			client, by = s, name
		}
	}
	if client == "" {
		return "", invalidf("no claim names the client, want %s", strings.Join(names, ", "))
	}
	return client, nil
}

// clientClaims returns the claims that may name the client.
func (i *Issuer) clientClaims() []string {
	if i.ClientClaim != "" {
		return []string{i.ClientClaim}
	}
	return clientClaims
}

func (i *Issuer) readNames(m members, c *Claims, _ moment) error {
	var ok bool
	if c.Subject, ok = m.text("sub"); !ok {
		return invalid("sub is not a text")
	}
	name := i.idClaim()
	if c.JTI, ok = m.text(name); !ok || c.JTI == "" && m[name] != nil {
		return invalidf("%s is not a text, or empty", name)
	}
	if strings.ContainsFunc(c.JTI, unicode.IsControl) {
		return invalidf("%s contains a control character", name)
	}
	if c.JTI == "" && i.IDClaim != "" {
		return invalidf("%s is missing: the setting id_claim says that it distinguishes tokens", name)
	}
	c.ID = tokens.NewID(i.Name, c.JTI)
	c.Scope, _ = m.text("scope") // some issuers send a list; the scope decides nothing
	return nil
}

// idClaim returns the claim that distinguishes the issuer's tokens.
func (i *Issuer) idClaim() string {
	if i.IDClaim != "" {
		return i.IDClaim
	}
	return "jti"
}

func (i *Issuer) readHolder(m members, c *Claims, _ moment) (err error) {
	c.Confirmation, err = m.confirmation()
	return err
}

// readTimes reads the times of a token. A token with a longer lifetime than our own may have is
// valid for that long only. Its state is not stored for longer, and a token whose state was deleted
// must not start again.
func (i *Issuer) readTimes(m members, c *Claims, at moment) error {
	notBefore, ok := m.date("nbf")
	if !ok {
		return invalid("nbf is not a time")
	}
	for _, t := range []struct {
		name string
		to   *time.Time
	}{{"iat", &c.IssuedAt}, {"exp", &c.Expires}} {
		if *t.to, ok = m.date(t.name); !ok || t.to.IsZero() {
			return invalidf("%s is missing, or not a time", t.name)
		}
	}
	latest := at.now.Add(leeway)
	switch {
	case c.IssuedAt.After(latest):
		return differs{invalidf("iat is %s ahead of this server's clock", readable.Duration(c.IssuedAt.Sub(at.now))), Difference{Ahead: c.IssuedAt.Sub(at.now)}}
	case notBefore.After(latest):
		return differs{invalidf("nbf is %s ahead of this server's clock", readable.Duration(notBefore.Sub(at.now))), Difference{Ahead: notBefore.Sub(at.now)}}
	case !c.Expires.After(c.IssuedAt):
		return invalid("exp is not after iat")
	case !at.now.Before(c.Expires):
		return expiredSince(c.Expires, at.now)
	}
	if end := c.IssuedAt.Add(at.longest); c.Expires.After(end) {
		c.Expires = end
	}
	if !at.now.Before(c.Expires) {
		return expired("issued " + readable.Duration(at.now.Sub(c.IssuedAt)) + " ago: accepted for " + readable.Duration(at.longest) + " from iat")
	}
	return nil
}
