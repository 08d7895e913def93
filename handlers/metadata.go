package handlers

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"stile.example/stile/tokens/bearer"
)

// metadata answers RFC 8414's description of this server.
func (a *API) metadata() echo.HandlerFunc {
	methods := []string{"client_secret_basic", "client_secret_post"}
	var algorithms []string
	if a.Assertions != nil {
		methods, algorithms = append(methods, "private_key_jwt"), bearer.Algorithms()
	}
	grants := []string{"client_credentials"}
	if a.Subjects != nil {
		grants = append(grants, tokenExchange)
	}
	body, _ := json.Marshal(struct {
		Issuer               string   `json:"issuer"`
		Token                string   `json:"token_endpoint"`
		Introspection        string   `json:"introspection_endpoint"`
		Revocation           string   `json:"revocation_endpoint"`
		Keys                 string   `json:"jwks_uri"`
		Scopes               []string `json:"scopes_supported"`
		ResponseTypes        []string `json:"response_types_supported"`
		GrantTypes           []string `json:"grant_types_supported"`
		TokenMethods         []string `json:"token_endpoint_auth_methods_supported"`
		TokenAlgs            []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
		IntrospectionMethods []string `json:"introspection_endpoint_auth_methods_supported"`
		IntrospectionAlgs    []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
		RevocationMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
		RevocationAlgs       []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	}{
		a.PublicURL, a.PublicURL + "/oauth/token", a.PublicURL + "/oauth/introspect", a.PublicURL + "/oauth/revoke",
		a.PublicURL + "/.well-known/jwks.json", []string{scope}, []string{}, grants,
		methods, algorithms, methods, algorithms, methods, algorithms,
	})
	return func(c echo.Context) error {
		a.public(c, body)
		return nil
	}
}

// jwks answers the keys that may verify a live token (RFC 7517).
func (a *API) jwks(c echo.Context) error {
	a.public(c, a.JWKS(a.Now()))
	return nil
}

// public answers with JSON for whoever asks.
func (a *API) public(c echo.Context, body []byte) {
	r := a.acquireRequest(c.Response().Writer, c.Request(), c.Path())
	defer r.releaseRequest()
	r.sendOAuth(http.StatusOK, json.RawMessage(body))
	a.logAnswered(r, http.StatusOK)
}
