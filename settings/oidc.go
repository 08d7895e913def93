package settings

import (
	"fmt"
	"strings"
)

// OIDC is the issuer by which admins sign in at the console. Without an Issuer, they can't.
type OIDC struct {
	Issuer       string
	Name         string // how the console calls it; "": its host
	ClientID     string
	SecretFile   string            // "": the client has no secret
	Scopes       []string          // in addition to openid
	Claim        string            // whose values are mapped to roles; dots lead into objects
	Roles        map[string]string // a value of the claim -> viewer, operator or owner
	AllowPrivate bool
}

// OnThisMachine reports whether the issuer is at this machine.
func (o OIDC) OnThisMachine() bool { return onThisMachine(o.Issuer) }

// oidcKeys are the settings of OIDC.
var oidcKeys = []Key{
	{Name: "console.oidc.issuer", Default: "", Doc: "Issuer of OpenID Connect by which admins may sign in at the console, exactly as in its own metadata. Register HOST/sign-in/oidc/callback there, with the URL of the console as HOST.",
		value: one(func(s *Settings) *string { return &s.OIDC.Issuer }, issuerURL("an https URL, or http on this machine", true))},
	{Name: "console.oidc.name", Default: "", Doc: "Name of the issuer on the console's button. Unset: its host.",
		value: one(func(s *Settings) *string { return &s.OIDC.Name }, optional(64))},
	{Name: "console.oidc.client_id", Default: "", Doc: "Name of the console as a client of the issuer.",
		value: one(func(s *Settings) *string { return &s.OIDC.ClientID }, optional(256))},
	{Name: "console.oidc.client_secret_file", Default: "", Doc: "File that contains the secret of that client. Unset: the client has none, only PKCE.",
		value: one(func(s *Settings) *string { return &s.OIDC.SecretFile }, path())},
	{Name: "console.oidc.scopes", Default: "profile", Doc: "Scopes that are requested in addition to openid.",
		value: many(func(s *Settings) *[]string { return &s.OIDC.Scopes }, matching(claimName, 64, "the name of a scope"), 10)},
	{Name: "console.oidc.claim", Default: "groups", Doc: "Claim of the ID token, or else of the user info, whose values are mapped to roles. Dots lead into objects: realm_access.roles.",
		value: one(func(s *Settings) *string { return &s.OIDC.Claim }, matching(claimName, 64, "the name of a claim"))},
	{Name: "console.oidc.roles", Default: "", Doc: "Roles by the values of the claim, such as [stile-owners=owner, support=viewer]. An admin with several has the highest. Nobody without one can sign in.",
		value: roleMap(func(s *Settings) *map[string]string { return &s.OIDC.Roles })},
	{Name: "console.oidc.allow_private", Default: "false", Doc: "Whether the issuer may be in a private network, and be reached there over plain HTTP.",
		value: one(func(s *Settings) *bool { return &s.OIDC.AllowPrivate }, either("false", "true"))},
}

// optional is any text that may be empty and has no control characters.
func optional(limit int) kind[string] { return maybe(filled(limit)) }

// maybe is "" or a text of a kind.
func maybe(some kind[string]) kind[string] {
	return kind[string]{some.name, some.allowed, func(text string) (string, error) {
		if text == "" {
			return "", nil
		}
		return some.parse(text)
	}}
}

const maxRoles = 100

// roleMap is the type of a setting with pairs of a value and a role.
func roleMap(field func(*Settings) *map[string]string) value {
	pair := kind[[2]string]{"text", "VALUE=viewer, VALUE=operator or VALUE=owner", nil}
	pair.parse = func(text string) (p [2]string, err error) {
		at := strings.LastIndexByte(text, '=')
		if at < 1 || len(text) > 300 {
			return p, mustBe(text, pair.allowed)
		}
		p = [2]string{text[:at], text[at+1:]}
		if p[1] != "viewer" && p[1] != "operator" && p[1] != "owner" {
			return p, mustBe(text, pair.allowed)
		}
		return p, nil
	}
	v := many[[2]string](nil, pair, maxRoles)
	check := v.parse
	v.parse = func(s *Settings, texts []string) (string, error) {
		text, err := check(s, texts)
		if err != nil {
			return "", err
		}
		roles := map[string]string{}
		for _, one := range texts {
			p, err := pair.parse(one)
			if err != nil {
				return "", err
			}
			if old, twice := roles[p[0]]; twice && old != p[1] {
				return "", fmt.Errorf("%s has two roles", quote(p[0]))
			}
			roles[p[0]] = p[1]
		}
		*field(s) = roles
		return text, nil
	}
	return v
}

// check returns what is wrong with the settings together, by the name of the setting.
func (o OIDC) check() (name, problem string) {
	switch {
	case o.Issuer == "":
		return "", ""
	case strings.HasPrefix(o.Issuer, "http:") && !o.AllowPrivate && !o.OnThisMachine():
		return "console.oidc.issuer", "must be https: on plain http, others in the network could sign in; in your own network, set console.oidc.allow_private"
	case o.ClientID == "":
		return "console.oidc.client_id", "is missing: the issuer knows the console by it"
	case len(o.Roles) == 0:
		return "console.oidc.roles", "is missing: without it, nobody could sign in by the issuer"
	}
	return "", ""
}
