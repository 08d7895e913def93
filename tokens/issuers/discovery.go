package issuers

import (
	"context"
	"encoding/json"
	"fmt"
)

// discover returns the URL of an issuer's JWK Set. Metadata that names another issuer, even if only
// a slash differs, is not this issuer's (RFC 8414 §3.3).
func (c *client) discover(ctx context.Context, issuer string) (jwks string, err error) {
	var all error // of all addresses, in one line
	for _, address := range wellKnown(issuer) {
		jwks, err := c.metadata(ctx, address, issuer)
		if err == nil {
			return jwks, nil
		}
		if all == nil {
			all = fmt.Errorf("find the keys: %w", err)
			continue
		}
		all = fmt.Errorf("%w; %w", all, err)
	}
	return "", all
}

func (c *client) metadata(ctx context.Context, address, issuer string) (jwks string, err error) {
	body, err := c.get(ctx, address)
	if err != nil {
		return "", err
	}
	var doc map[string]json.RawMessage // exact names
	var name string
	if json.Unmarshal(body, &doc) != nil || json.Unmarshal(doc["issuer"], &name) != nil {
		return "", fmt.Errorf("%s is not the metadata of an issuer", address)
	}
	if name != issuer {
		return "", fmt.Errorf("%s is the metadata of %q; the issuer must be exactly %q", address, name, issuer)
	}
	if json.Unmarshal(doc["jwks_uri"], &jwks) != nil || jwks == "" {
		return "", fmt.Errorf("%s has no jwks_uri", address)
	}
	return jwks, nil
}
