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

// Issuer is an external authorization server whose tokens are accepted.
type Issuer struct {
	Issuer        string            // the claim iss, compared exactly
	Audience      []string          // the claim aud must contain one of them
	Algorithms    []string          // with which it may sign
	Types         []string          // allowed values of typ in the token's header: at+jwt, jwt, none
	ClientClaim   string            // auto, or the claim that names the client
	IDClaim       string            // the claim that distinguishes its tokens
	Keys          string            // URL of its JWK Set; "" to discover it
	Clients       map[string]string // the issuer's name of a client -> the tenant's client_id
	Accept        string            // calls or exchange: what its tokens can be used for
	AllowPrivate  bool
	Introspection Introspection
}

// Introspection says where and how an issuer answers for tokens that are not JWTs. The zero
// Introspection says that it does not.
type Introspection struct {
	URL, ClientID, SecretFile string
	Audience                  string // if-sent or required: whether a response must name one
}

// part is one setting of an issuer.
type part struct {
	name, def, doc string
	value          partValue
}

// partValue is the type of a part, as [value] is that of a setting.
type partValue struct {
	allowed string
	parse   func(i *Issuer, texts []string) error
}

// parts is the table of an issuer's settings. The names of the settings in clients are the issuer's
// names of its clients.
var parts = []part{
	{"issuer", "", "The issuer's name, exactly as in the claim `iss` of its tokens and in its own metadata, including any slash at the end.",
		scalar(func(i *Issuer) *string { return &i.Issuer }, issuerURL("an https URL, or http on this machine", false))},
	{"audience", "", "The value that the claim `aud` must contain: the API's name at the issuer. If it is a list, one of its values is enough.",
		several(func(i *Issuer) *[]string { return &i.Audience }, filled(256), 16)},
	{"clients", "", "The issuer's clients, and the tenant that each belongs to: `{web-app: acme}`. The token of any other client gets `client_mismatch`.",
		partValue{"up to 10,000 of: the issuer's name of a client: client_id of a tenant", nil}},
	{"keys", "", "URL of its keys (a JWK Set). Unset: discovered by RFC 8414, else by OpenID Connect.",
		scalar(func(i *Issuer) *string { return &i.Keys }, issuerURL("an https URL, or http on this machine", true))},
	{"algorithms", "RS256, ES256, EdDSA", "Algorithms that it may sign with.",
		several(func(i *Issuer) *[]string { return &i.Algorithms }, choice("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"), 10)},
	{"types", "at+jwt, jwt, none", "Allowed types (`typ`) in the header of a token. `none`: the header may omit it. For an issuer that follows RFC 9068, `at+jwt` alone is stricter: it excludes ID tokens.",
		several(func(i *Issuer) *[]string { return &i.Types }, choice("at+jwt", "jwt", "none"), 3)},
	{"client_claim", "auto", "The claim that names the client. `auto`: client_id, azp, cid or clientId, which must agree if there are several.",
		scalar(func(i *Issuer) *string { return &i.ClientClaim }, matching(claimName, 64, "auto, or the name of a claim"))},
	{"id_claim", "jti", "The claim that is different in each token. Set it for an issuer whose tokens have no `jti`: `at_hash` for Dex, `uti` for Entra ID. With `at_hash`, a token that has it is not taken for an ID token.",
		scalar(func(i *Issuer) *string { return &i.IDClaim }, matching(claimName, 64, "the name of a claim"))},
	{"accept", "calls", "What its tokens can be used for. `calls`: the content API. `exchange`: only the token endpoint, where a tenant's server exchanges them for stile tokens.",
		scalar(func(i *Issuer) *string { return &i.Accept }, choice("calls", "exchange"))},
	{"allow_private", "false", "Whether the issuer may be in a private network, and be reached there over plain HTTP.",
		scalar(func(i *Issuer) *bool { return &i.AllowPrivate }, either("false", "true"))},
	{"introspection.url", "", "URL for the introspection of tokens that are not JWTs (RFC 7662). Only one issuer may have it, because such a token does not name its issuer.",
		scalar(func(i *Issuer) *string { return &i.Introspection.URL }, issuerURL("an https URL, or http on this machine", true))},
	{"introspection.client_id", "", "The client ID that stile uses for introspection.",
		scalar(func(i *Issuer) *string { return &i.Introspection.ClientID }, filled(256))},
	{"introspection.audience", "if-sent", "Whether the response to an introspection must name the audience. `if-sent`: an `aud` in it is checked, and it may be missing. `required`: it must be there.",
		scalar(func(i *Issuer) *string { return &i.Introspection.Audience }, choice("if-sent", "required"))},
	{"introspection.client_secret_file", "", "File that contains the secret of that client.",
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

// filled is any text that is not empty and has no control characters.
func filled(limit int) kind[string] {
	allowed := fmt.Sprintf("a text of 1 to %d bytes", limit)
	return kind[string]{"text", allowed, func(text string) (string, error) {
		if text == "" || len(text) > limit || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			return "", mustBe(text, allowed)
		}
		return text, nil
	}}
}

// issuerURL is the URL of an issuer or of one of its endpoints. [Issuer.checkTogether] decides
// whether plain http is allowed.
func issuerURL(allowed string, empty bool) kind[string] {
	return kind[string]{"URL", allowed, func(text string) (string, error) {
		u, err := url.Parse(text)
		switch {
		case text == "" && empty:
			return "", nil
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Fragment != "" || u.User != nil || len(text) > 1024:
			return "", mustBe(text, allowed)
		}
		return text, nil
	}}
}

// checkTogether checks the settings of an issuer that depend on each other.
func (i *Issuer) checkTogether(report func(name, problem string)) {
	for _, p := range []struct{ name, text string }{{"issuer", i.Issuer}, {"keys", i.Keys}, {"introspection.url", i.Introspection.URL}} {
		if strings.HasPrefix(p.text, "http:") && !i.AllowPrivate && !onThisMachine(p.text) {
			report(p.name, "must be https: on plain http, others in the network could sign tokens; in your own network, set allow_private")
		}
	}
	if i.Issuer == "" {
		report("issuer", "is missing")
	}
	if len(i.Audience) == 0 {
		report("audience", "is missing: without it, tokens issued for other APIs would be valid here")
	}
	if len(i.Clients) == 0 {
		report("clients", "is missing: without it, no token would have a tenant")
	}
	in := i.Introspection
	if (in.URL == "") != (in.ClientID == "") || (in.URL == "") != (in.SecretFile == "") {
		report("introspection", "needs url, client_id and client_secret_file")
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

// canonical returns a text that is the same for equal issuers.
func (i *Issuer) canonical() string {
	var clients []string
	for _, name := range slices.Sorted(maps.Keys(i.Clients)) {
		clients = append(clients, quote(name)+":"+i.Clients[name])
	}
	return fmt.Sprintf("%q %q %q %q %s %s %q %v %s %t %q", i.Issuer, i.Audience, i.Algorithms, i.Types, i.ClientClaim, i.IDClaim, i.Keys, clients, i.Accept, i.AllowPrivate, i.Introspection)
}
