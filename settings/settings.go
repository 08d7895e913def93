// Package settings reads the operator's settings: a YAML file, which environment variables
// override, which flags override.
//
// Each setting is one row of one table ([Keys]): its name, type, allowed values, default and
// description. Parsing, checks, the help of the commands and docs/settings.md all use that row. All
// problems in all sources are reported together, each with its location.
//
// Some settings can be set for one tenant too ([CheckTenant], [Settings.For]). A running server can
// also read these again.
package settings

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// Settings is the result of [Load]: all settings, checked.
type Settings struct {
	Listen      string // host:port of the public listener
	AdminListen string // host:port of the admin listener
	AdminHosts  []string
	PublicURL   string // origin that clients use; "" follows the listener
	Data        string // data directory
	Store       Engine // backend for durable data
	StoreSync   bool   // commits of SQLite wait for the disk
	State       Engine // backend for what changes with every call
	CorpusStore Engine // backend for the files of the corpus
	Node        string // name of this node; "" is the host's

	StoreKeyFile      string // see StoreSecrets
	StoreKey          Secret
	StorePasswordFile string
	StatePasswordFile string

	TrustedProxies []netip.Prefix
	TLS            TLS
	Issuers        []Issuer
	OIDC           OIDC // by which admins sign in
	Log            Log
	LogAddresses   string           // full, prefix or hash: how an address is shown
	WebhookTargets string           // public, loopback or private: where webhooks may be
	Policy         Policy           // of every tenant without its own
	Address        addresses.Policy // without observe mode: use [Settings.Addresses]

	texts   map[string]string // every key's value as one text, for comparison
	written map[string]string // every key's value as it was written; a list has commas
	ignored []string          // environment variables with our prefix that are not settings
}

// TLS says how the public listener gets its certificate: by ACME for Domains, or from two PEM
// files. The zero TLS is plain HTTP.
type TLS struct {
	Domains          []string
	Certificate, Key string
}

// On reports whether the public listener uses TLS.
func (t TLS) On() bool { return len(t.Domains) > 0 || t.Certificate != "" }

// Log is the level and the format of the log.
type Log struct {
	Level slog.Level
	JSON  bool
}

// Policy is the settings that a tenant can have of its own.
type Policy struct {
	Lifetime    time.Duration // of a token, at most 24 h
	Token       tokens.Policy // without observe mode: use [Policy.Tokens]
	Site        string        // if-sent or required: whether a call must name its page
	QueryTokens string        // yes, with-proof or no: whether a token may be in a URL
	JSONP       string        // yes or no: whether a request with callback gets a script
	Callbacks   []string      // allowed patterns of dotted JSONP names
	Observe     []string      // rules that are evaluated and recorded but not enforced
}

// Source names where settings come from.
type Source struct {
	Defaults map[string]string // for this run: value by the dotted name of the key

	File  string            // the YAML file; "" for none
	Env   []string          // KEY=value, as os.Environ returns them
	Flags map[string]string // value by the dotted name of the key
}

// Load reads the defaults, the file, the environment and the flags. Later ones override earlier
// ones. The error is of type [Problems] and lists every problem in all of them.
func Load(src Source) (*Settings, error) {
	var problems Problems
	file, bad := readFile(src.File)
	problems = append(problems, bad...)
	env, ignored, bad := readEnv(src.Env)
	problems = append(problems, bad...)

	s := &Settings{texts: map[string]string{}, written: map[string]string{}, ignored: ignored}
	problems = append(problems, s.apply(defaults())...)
	problems = append(problems, s.apply(readFlags(src.Defaults))...)
	problems = append(problems, s.apply(file)...)
	problems = append(problems, s.apply(env)...)
	flags := readFlags(src.Flags)
	problems = append(problems, s.apply(flags)...)
	problems = append(problems, s.checkTogether(slices.Concat(file, env, flags))...)
	if len(problems) > 0 {
		return nil, problems
	}
	return s, nil
}

// given is a value as it appears in a source, before it is checked.
type given struct {
	name  string // of the key, dotted
	where string // FILE:LINE, the variable, the flag; "" for a default
	texts []string
	list  bool // it was written as a list

	blocks [][]given // if it is a list of mappings: their values, by dotted name
}

// apply sets the given values in order, so that later sources override earlier ones.
func (s *Settings) apply(all []given) (problems Problems) {
	for _, g := range all {
		k, known := find(g.name)
		if !known {
			problems = append(problems, unknown(g.where, g.name))
			continue
		}
		text, err := k.value.take(s, g)
		if inside, ok := errors.AsType[Problems](err); ok {
			problems = append(problems, inside...)
			continue
		}
		if err != nil {
			f := problemOf(err, k.Allowed())
			f.Where, f.Key = g.where, g.name
			problems = append(problems, *f)
			continue
		}
		s.texts[g.name], s.written[g.name] = text, k.value.shown(text, g.texts)
	}
	return problems
}

// checkTogether checks the settings that depend on each other.
func (s *Settings) checkTogether(from []given) (problems Problems) {
	add := func(key, problem string) {
		where := ""
		for _, g := range from {
			if g.name == key {
				where = g.where
			}
		}
		problems = append(problems, Problem{Where: where, Key: key, Problem: problem})
	}
	if (s.TLS.Certificate == "") != (s.TLS.Key == "") {
		add("tls.certificate", "tls.certificate and tls.key must be set together")
	}
	if len(s.TLS.Domains) > 0 && s.TLS.Certificate != "" {
		add("tls.domains", "tls.domains (a certificate by ACME) and tls.certificate (your own) must not both be set")
	}
	if all := trustsAll(s.TrustedProxies); all != "" {
		add("trusted_proxies", "must not contain all public "+all+" addresses: every client could name its own address; list only your proxies")
	}
	byHand := slices.ContainsFunc(from, func(g given) bool { return g.name == "policy.token.bind_within" })
	if byHand && s.Policy.Token.BindWithin > s.Policy.Lifetime { // otherwise, see Settings.with
		add("policy.token.bind_within", "is longer than policy.token.lifetime")
	}
	for _, i := range s.Issuers {
		if i.Issuer == s.PublicURL {
			add("issuers", "must not contain public_url: the server's own tokens need no entry")
		}
	}
	if !s.refusedStore(from) { // otherwise advice to change other settings would mislead
		s.checkEngines(add)
	}
	if name, problem := s.OIDC.check(); problem != "" {
		add(name, problem)
	}
	if _, port, _ := net.SplitHostPort(s.Listen); s.Listen == s.AdminListen && port != "0" {
		add("admin_listen", "must not be the same as listen: the two listeners need two addresses")
	}
	return problems
}

// Origin returns the public URL. If it is not set, that is the URL of the first TLS domain, or one
// that reaches the public listener at addr from this machine.
func (s *Settings) Origin(addr string) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	if len(s.TLS.Domains) > 0 {
		return "https://" + s.TLS.Domains[0]
	}
	scheme, host := "http://", "localhost"
	if s.TLS.On() {
		scheme = "https://"
	}
	h, port, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(h); err == nil && !ip.IsUnspecified() && !ip.IsLoopback() {
		host = h
	}
	return scheme + net.JoinHostPort(host, port)
}
