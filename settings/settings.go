// Package settings reads what an operator may set: a YAML file, overridden by
// environment variables, overridden by flags.
//
// Every setting is one row of one table ([Keys]): its name, its type, what is
// allowed, its default and a sentence about it. Reading, checking, the help of
// the commands and docs/settings.md are all made from that row. All faults of
// all sources are found at once, each with the place where it stands.
//
// Some settings may be set for one tenant too ([CheckTenant], [Settings.For]);
// these are also the ones that a running server reads again.
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

// Settings is everything that was set, checked. Make one with [Load].
type Settings struct {
	Listen         string // host:port of the public listener
	AdminListen    string // host:port of the admin listener
	AdminHosts     []string
	PublicURL      string // origin that clients use; "" follows the listener
	Data           string // data directory
	Store          string // backend of what lasts
	TrustedProxies []netip.Prefix
	TLS            TLS
	Issuers        []Issuer
	Log            Log
	LogAddresses   string           // full, prefix or hash: how an address is shown
	Policy         Policy           // of every tenant that has none of its own
	Address        addresses.Policy // use [Settings.Addresses], which knows what is only observed

	texts map[string]string // every key's value as one text, to compare
}

// TLS says how the public listener gets its certificate: by ACME for Domains,
// or from two PEM files. With neither it speaks plain HTTP.
type TLS struct {
	Domains          []string
	Certificate, Key string
}

// On says whether the public listener speaks TLS.
func (t TLS) On() bool { return len(t.Domains) > 0 || t.Certificate != "" }

// Log says what is logged, and how.
type Log struct {
	Level slog.Level
	JSON  bool
}

// Policy is what may be set for one tenant too.
type Policy struct {
	Lifetime    time.Duration // of a token, at most 24 h
	Token       tokens.Policy // use [Policy.Tokens], which knows what is only observed
	Site        string        // if-sent or required: must a call name its page
	QueryTokens string        // yes, with-proof or no: may a token stand in a URL
	JSONP       string        // yes or no: is a request with callback answered as a script
	Callbacks   []string      // prefixes of dotted JSONP names that are allowed
	Observe     []string      // rules that are decided and recorded, and not enforced
}

// Source is where settings come from.
type Source struct {
	File  string            // the YAML file; "" for none
	Env   []string          // KEY=value, as os.Environ gives them
	Flags map[string]string // by the dotted name of the key
}

// Load reads the file, the environment and the flags, each later one winning.
// The error is of type [Faults] and holds every fault of all three.
func Load(src Source) (*Settings, error) {
	var faults Faults
	file, bad := readFile(src.File)
	faults = append(faults, bad...)
	env, bad := readEnv(src.Env)
	faults = append(faults, bad...)

	s := &Settings{texts: map[string]string{}}
	faults = append(faults, s.apply(defaults())...)
	faults = append(faults, s.apply(file)...)
	faults = append(faults, s.apply(env)...)
	faults = append(faults, s.apply(readFlags(src.Flags))...)
	faults = append(faults, s.together(slices.Concat(file, env))...)
	if len(faults) > 0 {
		return nil, faults
	}
	return s, nil
}

// given is a value as it stands in a source, before it is checked.
type given struct {
	name  string // of the key, dotted
	where string // FILE:LINE, the variable, the flag; "" for a default
	texts []string
	list  bool // it was written as a list

	blocks [][]given // where it is a list of mappings, their values by dotted names
}

// apply sets what is given, in order, so that a later source wins.
func (s *Settings) apply(all []given) (faults Faults) {
	for _, g := range all {
		k, known := find(g.name)
		if !known {
			faults = append(faults, unknown(g.where, g.name))
			continue
		}
		text, err := k.value.take(s, g)
		if inside, ok := errors.AsType[Faults](err); ok {
			faults = append(faults, inside...)
			continue
		}
		if err != nil {
			faults = append(faults, Problem{Where: g.where, Key: g.name, Problem: err.Error(), Allowed: k.Allowed()})
			continue
		}
		s.texts[g.name] = text
	}
	return faults
}

// together checks what no value can say alone.
func (s *Settings) together(from []given) (faults Faults) {
	add := func(key, problem string) {
		where := ""
		for _, g := range from {
			if g.name == key {
				where = g.where
			}
		}
		faults = append(faults, Problem{Where: where, Key: key, Problem: problem})
	}
	if (s.TLS.Certificate == "") != (s.TLS.Key == "") {
		add("tls.certificate", "tls.certificate and tls.key belong together: set both or none")
	}
	if len(s.TLS.Domains) > 0 && s.TLS.Certificate != "" {
		add("tls.domains", "tls.domains (a certificate by ACME) and tls.certificate (one of your own) exclude each other")
	}
	if all := trustsAll(s.TrustedProxies); all != "" {
		add("trusted_proxies", "the ranges together are all public "+all+" addresses: every client could say where it comes from; list the addresses of your proxies only")
	}
	if s.Policy.Token.BindWithin > s.Policy.Lifetime {
		add("policy.token.bind_within", "is longer than policy.token.lifetime")
	}
	for _, i := range s.Issuers {
		if i.Issuer == s.PublicURL {
			add("issuers", "one of them is public_url: this server's own tokens need no entry")
		}
	}
	if _, port, _ := net.SplitHostPort(s.Listen); s.Listen == s.AdminListen && port != "0" {
		add("admin_listen", "is the same as listen: the two listeners need two addresses")
	}
	return faults
}

// Origin is the public URL: the one that was set, else one that leads to the
// public listener at addr from this machine, or by the first TLS domain.
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
