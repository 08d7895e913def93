package commands

import (
	"context"
	"fmt"
	"os"
	"strings"

	"stile.example/stile/settings"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/issuers"
)

// trustIssuers makes the verifier take the tokens of the issuers that the
// settings name. A server does not wait for their keys: until it has them,
// their tokens alone get overloaded.
func (a *app) trustIssuers() error {
	var trusted []*bearer.Issuer
	a.rings = nil
	for _, i := range a.settings().Issuers {
		ring := issuers.NewKeyCache(placeOf(i), a.now, a.log)
		b := &bearer.Issuer{
			Name: i.Issuer, Audiences: i.Audience, Algorithms: i.Algorithms, Types: typesOf(i), ClientClaim: i.ClientClaim,
			Clients: i.Clients, ForExchange: i.Accept == "exchange", Keys: ring,
		}
		if b.ClientClaim == "auto" {
			b.ClientClaim = ""
		}
		asker, err := a.askerOf(i)
		if err != nil {
			return err
		}
		if asker != nil {
			b.Opaque = asker
		}
		a.rings, trusted = append(a.rings, ring), append(trusted, b)
	}
	return a.verifier.Trust(trusted)
}

func placeOf(i settings.Issuer) issuers.Endpoint {
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

// askerOf is nil where the issuer is not to be asked about tokens.
func (a *app) askerOf(i settings.Issuer) (*issuers.IntrospectionClient, error) {
	in := i.Introspection
	if in.URL == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(in.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("issuer %s: introspection.client_secret_file: %w", i.Issuer, err)
	}
	return issuers.NewIntrospectionClient(placeOf(i), in.URL, in.ClientID, strings.TrimSpace(string(secret)), a.log), nil
}

// checkIssuers asks each issuer for its keys, and about a token.
func (p *program) checkIssuers(ctx context.Context, s *settings.Settings, add report) {
	a := &app{now: p.now, log: p.logger(s)}
	for _, i := range s.Issuers {
		address, n, err := issuers.NewKeyCache(placeOf(i), p.now, a.log).Probe(ctx)
		if err != nil {
			add("issuer", wrong, "%s: %v", i.Issuer, oneLine(err))
		} else {
			add("issuer", good, "%s: %d keys at %s", i.Issuer, n, address)
		}
		asker, err := a.askerOf(i)
		if err == nil && asker != nil {
			err = asker.Probe(ctx)
		}
		if err != nil {
			add("issuer", wrong, "%s: %v", i.Issuer, oneLine(err))
		} else if asker != nil {
			add("issuer", good, "%s: tells about tokens at %s", i.Issuer, i.Introspection.URL)
		}
	}
}

// oneLine is an error that may be several, for a table.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
