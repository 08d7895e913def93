package oauth

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// Scope is the only scope: reading the content.
const Scope = "content"

// maxSubject is the maximum length of a tenant's name for its visitor, in bytes.
const maxSubject = 128

// grant is the response of RFC 6749 §5.1. If a client requests several tokens, AccessTokens
// contains all of them.
type grant struct {
	AccessToken  string   `json:"access_token"`
	IssuedType   string   `json:"issued_token_type,omitempty"` // RFC 8693 §2.2.1
	TokenType    string   `json:"token_type"`
	ExpiresIn    int64    `json:"expires_in"`
	Scope        string   `json:"scope"`
	AccessTokens []string `json:"access_tokens,omitempty"`
}

// issue issues tokens by either grant (RFC 6749 §4.4, RFC 8693).
func (srv *Server) issue(r *request, t *tenants.Tenant) (any, error) {
	for s := range strings.SplitSeq(r.value("scope"), " ") {
		if s != "" && s != Scope {
			return nil, &failure{http.StatusBadRequest, "invalid_scope", "the only scope is content", nil}
		}
	}
	subject, err := subjectOf(r, t)
	if err != nil {
		return nil, err
	}
	switch r.value("grant_type") {
	case "":
		return nil, invalidRequest("grant_type is missing")
	case "client_credentials":
		return srv.mint(r, t, subject)
	case tokenExchange:
		return srv.exchange(r, t, subject)
	}
	return nil, unsupportedGrant("grant_type must be client_credentials or " + tokenExchange)
}

func unsupportedGrant(what string) error {
	return &failure{http.StatusBadRequest, "unsupported_grant_type", what, nil}
}

// maxCount is the maximum of tokens in one response.
const maxCount = 100

// countOf returns how many tokens are requested, and whether the request has a count.
func countOf(r *request) (n int, said bool, err error) {
	s := r.value("count")
	if s == "" {
		return 1, false, nil
	}
	n, err = strconv.Atoi(s)
	if err != nil || n < 1 || n > maxCount || strconv.Itoa(n) != s {
		return 0, true, invalidRequest("count must be a whole number from 1 to 100")
	}
	return n, true, nil
}

// subjectOf returns the tenant's name for its visitor, or else the tenant's client_id.
func subjectOf(r *request, t *tenants.Tenant) (string, error) {
	switch s := r.value("subject"); {
	case s == "":
		return t.ClientID, nil
	case !fitSubject(s):
		return "", invalidRequest("subject must be at most 128 bytes without control characters")
	default:
		return s, nil
	}
}

func fitSubject(s string) bool {
	return len(s) <= maxSubject && !strings.ContainsFunc(s, unicode.IsControl)
}

// OlderThan reports whether a token was issued to an earlier tenant with the same client_id, which
// was removed with its tokens. A token without its tenant's number, as from an external issuer, is
// compared by time, to the second.
func OlderThan(c bearer.Claims, t *tenants.Tenant) bool {
	if c.Tenant != 0 {
		return c.Tenant != t.Number
	}
	return c.IssuedAt.Before(t.CreatedAt.Truncate(time.Second))
}
