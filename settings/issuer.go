package settings

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Issuer is an outside authorization server whose tokens are accepted.
type Issuer struct {
	Issuer        string            // the claim iss, letter by letter
	Audience      []string          // the claim aud has one of them
	Algorithms    []string          // by which it may sign
	Types         []string          // typ of the token's header: at+jwt, jwt, none
	ClientClaim   string            // auto, or the claim that names the client
	Keys          string            // address of its JWK Set; "" to find it
	Clients       map[string]string // its name of a client -> our tenant
	Accept        string            // calls or exchange: what its tokens are good for
	AllowPrivate  bool
	Introspection Introspection
}

// Introspection is where an issuer is asked about tokens that are no JWT; the
// zero Introspection is nowhere.
type Introspection struct{ URL, ClientID, SecretFile string }

// part is one setting of an issuer.
type part struct {
	name, def, doc string
	value          partValue
}

// partValue is like [value], of an Issuer.
type partValue struct {
	allowed string
	parse   func(i *Issuer, texts []string) error
}

// parts is where the settings of an issuer are told, once. Those of clients
// have the issuer's names of them behind the dot.
var parts = []part{
	{"issuer", "", "The issuer's name, as it stands in the claim `iss` of its tokens and in its own metadata: compared letter by letter, slash at the end and all.",
		scalar(func(i *Issuer) *string { return &i.Issuer }, issuerURL("an https URL, or http on this machine", false))},
	{"audience", "", "What the claim `aud` must name: the API as the issuer knows it. One, or a list of which any will do.",
		several(func(i *Issuer) *[]string { return &i.Audience }, filled(256), 16)},
	{"clients", "", "The issuer's clients, and the tenant that each of them is: `{web-app: acme}`. A client that is not named here gets `client_mismatch`.",
		partValue{"up to 10,000 of: the issuer's name of a client: client_id of a tenant", nil}},
	{"keys", "", "The address of its keys (a JWK Set). Not set: found by RFC 8414, else by OpenID Connect discovery.",
		scalar(func(i *Issuer) *string { return &i.Keys }, issuerURL("an https URL, or http on this machine", true))},
	{"algorithms", "RS256, ES256, EdDSA", "By which it may sign.",
		several(func(i *Issuer) *[]string { return &i.Algorithms }, choice("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"), 10)},
	{"types", "at+jwt, jwt, none", "What the header of a token may say that it is (`typ`); none: nothing. Where the issuer follows RFC 9068, `at+jwt` alone is stricter: an ID token can't be taken for one.",
		several(func(i *Issuer) *[]string { return &i.Types }, choice("at+jwt", "jwt", "none"), 3)},
	{"client_claim", "auto", "The claim that names the client; auto: client_id, azp, cid and clientId, which must agree where there are several.",
		scalar(func(i *Issuer) *string { return &i.ClientClaim }, matching(claimName, 64, "auto, or the name of a claim"))},
	{"accept", "calls", "What its tokens are good for. calls: the content API; exchange: the token endpoint, as a tenant's credential that gets tokens of ours, and no calls.",
		scalar(func(i *Issuer) *string { return &i.Accept }, choice("calls", "exchange"))},
	{"allow_private", "false", "Whether the issuer may be at an address of a private network, and be asked by plain http there.",
		scalar(func(i *Issuer) *bool { return &i.AllowPrivate }, either("false", "true"))},
	{"introspection.url", "", "Where to ask about tokens that are no JWT (RFC 7662). One issuer may have it: nothing in such a token says whose it is.",
		scalar(func(i *Issuer) *string { return &i.Introspection.URL }, issuerURL("an https URL, or http on this machine", true))},
	{"introspection.client_id", "", "As whom to ask.",
		scalar(func(i *Issuer) *string { return &i.Introspection.ClientID }, filled(256))},
	{"introspection.client_secret_file", "", "The file with the secret by which to ask.",
		scalar(func(i *Issuer) *string { return &i.Introspection.SecretFile }, filled(4096))},
}

var claimName = regexp.MustCompile(`^[A-Za-z0-9_.:/-]+$`)

func scalar[T any](field func(*Issuer) *T, of kind[T]) partValue {
	return partValue{of.allowed, func(i *Issuer, texts []string) (err error) {
		if len(texts) != 1 {
			return errors.New("must be one value")
		}
		*field(i), err = of.parse(texts[0])
		return err
	}}
}

func several[T any](field func(*Issuer) *[]T, of kind[T], limit int) partValue {
	allowed := fmt.Sprintf("1 to %d of: %s", limit, of.allowed)
	return partValue{allowed, func(i *Issuer, texts []string) error {
		if len(texts) == 0 || len(texts) > limit {
			return fmt.Errorf("has %d values", len(texts))
		}
		*field(i) = nil
		for _, text := range texts {
			v, err := of.parse(text)
			if err != nil {
				return err
			}
			*field(i) = append(*field(i), v)
		}
		return nil
	}}
}

// filled is any text that is not empty.
func filled(limit int) kind[string] {
	return kind[string]{"text", fmt.Sprintf("a text of 1 to %d bytes", limit), func(text string) (string, error) {
		if text == "" || len(text) > limit || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			return "", fmt.Errorf("%s is not allowed", quote(text))
		}
		return text, nil
	}}
}

// issuerURL is the address of a part of an issuer. Whether plain http is allowed
// is for [Issuer.together] to say.
func issuerURL(allowed string, empty bool) kind[string] {
	return kind[string]{"URL", allowed, func(text string) (string, error) {
		u, err := url.Parse(text)
		switch {
		case text == "" && empty:
			return "", nil
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" || u.User != nil || len(text) > 1024:
			return "", fmt.Errorf("%s is no such URL", quote(text))
		}
		return text, nil
	}}
}

// together checks what no setting of an issuer can say alone.
func (i *Issuer) together(fault func(name, problem string)) {
	for _, p := range []struct{ name, text string }{{"issuer", i.Issuer}, {"keys", i.Keys}, {"introspection.url", i.Introspection.URL}} {
		if strings.HasPrefix(p.text, "http:") && !i.AllowPrivate && !onThisMachine(p.text) {
			fault(p.name, "is not https: who sits on the way could sign tokens; in a network of your own, set allow_private")
		}
	}
	if i.Issuer == "" {
		fault("issuer", "is missing")
	}
	if len(i.Audience) == 0 {
		fault("audience", "is missing: without one, tokens that were made for other APIs would be good here")
	}
	if len(i.Clients) == 0 {
		fault("clients", "is missing: no token would have a tenant")
	}
	in := i.Introspection
	if (in.URL == "") != (in.ClientID == "") || (in.URL == "") != (in.SecretFile == "") {
		fault("introspection", "needs url, client_id and client_secret_file")
	}
}

func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback()
}

// canonical is the same text for equal issuers.
func (i *Issuer) canonical() string {
	var clients []string
	for _, name := range slices.Sorted(maps.Keys(i.Clients)) {
		clients = append(clients, quote(name)+":"+i.Clients[name])
	}
	return fmt.Sprintf("%q %q %q %q %s %q %v %s %t %q", i.Issuer, i.Audience, i.Algorithms, i.Types, i.ClientClaim, i.Keys, clients, i.Accept, i.AllowPrivate, i.Introspection)
}
