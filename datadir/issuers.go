package datadir

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/issuers"
	"stile.example/stile/tokens/signing"
)

// trustIssuers makes the verifier accept the tokens of the external issuers in the settings. The
// server does not wait for their keys. Until it has them, it responds with overloaded to calls with
// their tokens.
func (d *Dir) trustIssuers() error {
	trusted, keys, clients, err := trustedIn(d.Settings(), d.Now, d.Log)
	if err != nil {
		return err
	}
	d.ExternalKeys, d.Introspection = keys, clients
	return d.Verifier.Trust(trusted)
}

// Verifier returns a verifier of the tokens that a server with these settings accepts. It reads the
// server's keys, and neither locks nor changes the data directory.
func Verifier(s *settings.Settings, now func() time.Time, log *slog.Logger) (*bearer.Verifier, error) {
	own, err := signing.ReadKeys(KeyFile(s.Data), now())
	if err != nil {
		return nil, err
	}
	origin := s.Origin(s.Listen)
	v, err := bearer.NewVerifier(own, origin, origin, MaxLifetime)
	if err != nil {
		return nil, err
	}
	trusted, _, _, err := trustedIn(s, now, log)
	if err != nil {
		return nil, err
	}
	return v, v.Trust(trusted)
}

// trustedIn returns the external issuers in the settings, the caches of their keys, and the clients
// of those that introspect.
func trustedIn(s *settings.Settings, now func() time.Time, log *slog.Logger) (trusted []*bearer.Issuer, caches []*issuers.KeyCache, clients map[string]*issuers.IntrospectionClient, err error) {
	clients = map[string]*issuers.IntrospectionClient{}
	for _, i := range s.Issuers {
		keys := KeysOf(i, now, log)
		b := &bearer.Issuer{
			Name: i.Issuer, Audiences: i.Audience, Algorithms: i.Algorithms, Types: typesOf(i), ClientClaim: i.ClientClaim,
			Clients: i.Clients, ForExchange: i.Accept == "exchange", Keys: keys,
			RequireAudience: i.Introspection.Audience == "required",
		}
		if b.ClientClaim == "auto" {
			b.ClientClaim = ""
		}
		if i.IDClaim != "jti" {
			b.IDClaim = i.IDClaim
		}
		client, err := IntrospectionOf(i, log)
		if err != nil {
			return nil, nil, nil, err
		}
		if client != nil {
			b.Opaque, clients[i.Issuer] = client, client
		}
		caches, trusted = append(caches, keys), append(trusted, b)
	}
	return trusted, caches, clients, nil
}

// KeysOf returns the cache of an issuer's keys. It fetches nothing until it runs.
func KeysOf(i settings.Issuer, now func() time.Time, log *slog.Logger) *issuers.KeyCache {
	return issuers.NewKeyCache(endpointOf(i), now, log)
}

func endpointOf(i settings.Issuer) issuers.Endpoint {
	return issuers.Endpoint{Issuer: i.Issuer, Keys: i.Keys, AllowPrivate: i.AllowPrivate}
}

func typesOf(i settings.Issuer) (types []string) {
	for _, t := range i.Types {
		if t == "none" {
			t = ""
		}
		types = append(types, t)
	}
	return types
}

// IntrospectionOf returns the client of an issuer's introspection endpoint, nil if the settings
// name none.
func IntrospectionOf(i settings.Issuer, log *slog.Logger) (*issuers.IntrospectionClient, error) {
	in := i.Introspection
	if in.URL == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(in.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("issuer %s: introspection.client_secret_file: %w", i.Issuer, err)
	}
	return issuers.NewIntrospectionClient(endpointOf(i), in.URL, in.ClientID, strings.TrimSpace(string(secret)), log), nil
}
