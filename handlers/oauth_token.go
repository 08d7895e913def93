package handlers

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// scope is the only one there is: reading the content.
const scope = "content"

// maxSubject bounds the tenant's own name of its visitor, in bytes.
const maxSubject = 128

// grant is RFC 6749 §5.1's answer.
type grant struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`
}

// issue answers the token endpoint (RFC 6749 §4.4).
func (a *API) issue(r *request, t *tenants.Tenant) (any, error) {
	switch r.value("grant_type") {
	case "":
		return nil, invalidRequest("grant_type is missing")
	case "client_credentials":
	default:
		return nil, &oauthError{http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials", nil}
	}
	for s := range strings.SplitSeq(r.value("scope"), " ") {
		if s != "" && s != scope {
			return nil, &oauthError{http.StatusBadRequest, "invalid_scope", "the only scope is content", nil}
		}
	}
	subject, err := subjectOf(r, t)
	if err != nil {
		return nil, err
	}
	now, life := a.Now().Truncate(time.Second), a.PolicyOf(t).Lifetime
	token, err := a.Signer.Sign(bearer.Claims{
		Subject: subject, Client: t.ClientID, Scope: scope, IssuedAt: now, Expires: now.Add(life),
	}, now)
	if err != nil {
		return nil, unavailable(err)
	}
	return grant{token, "Bearer", int64(life / time.Second), scope}, nil
}

// subjectOf is the tenant's own name of its visitor, else the tenant's.
func subjectOf(r *request, t *tenants.Tenant) (string, error) {
	switch s := r.value("subject"); {
	case s == "":
		return t.ClientID, nil
	case len(s) > maxSubject || strings.ContainsFunc(s, unicode.IsControl):
		return "", invalidRequest("subject must be at most 128 bytes without control characters")
	default:
		return s, nil
	}
}
