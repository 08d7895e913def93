package server

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
)

// CheckToken checks a token step by step, as a server with these settings would. It requests the
// keys of the token's issuer, and changes nothing. The findings never contain the token.
func CheckToken(ctx context.Context, s *settings.Settings, token string, now func() time.Time) (found []Finding) {
	v, err := datadir.Verifier(s, now, slog.New(slog.DiscardHandler))
	if err != nil {
		return []Finding{{"settings", Wrong, oneLine(err)}}
	}
	known, err := tenantsOf(ctx, s, now)
	for _, step := range v.Examine(token, now()) {
		found = append(found, Finding{"token " + step.Name, State(step.Result), oneLine(errors.New(step.Detail))})
		if err == nil && step.Client != "" && !slices.Contains(known, step.Client) {
			found = append(found, Finding{"token tenant", Wrong, noTenant(step.Client)})
		}
	}
	return found
}

// warnOfNoJTI warns of an issuer whose tokens have no jti in its default profile, if the settings
// allow that profile.
func warnOfNoJTI(i settings.Issuer, add report) {
	u, err := url.Parse(i.Issuer)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".auth0.com") || i.Accept != "calls" || i.IDClaim != "jti" || slices.Equal(i.Types, []string{"at+jwt"}) {
		return
	}
	add("issuer", Warning, "%s: by default, Auth0's tokens have no jti, and are refused for calls. Choose the profile RFC 9068 for the API at Auth0, and set types: [at+jwt]", i.Issuer)
}
