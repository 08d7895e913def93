package oauth

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"stile.example/stile/tokens/bearer"
)

// Metadata returns a handler for the authorization server metadata of RFC 8414.
func (srv *Server) Metadata() echo.HandlerFunc {
	methods := []string{"client_secret_basic", "client_secret_post"}
	var algorithms []string
	if srv.Assertions != nil {
		methods, algorithms = append(methods, "private_key_jwt"), bearer.AssertionAlgorithms()
	}
	grants := []string{"client_credentials"}
	if srv.Subjects != nil {
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
		srv.PublicURL, srv.PublicURL + "/oauth/token", srv.PublicURL + "/oauth/introspect", srv.PublicURL + "/oauth/revoke",
		srv.PublicURL + "/.well-known/jwks.json", []string{Scope}, []string{}, grants,
		methods, algorithms, methods, algorithms, methods, algorithms,
	})
	return func(c echo.Context) error {
		srv.public(c, body)
		return nil
	}
}

// Keys responds with the keys that may verify a live token (RFC 7517).
func (srv *Server) Keys(c echo.Context) error {
	srv.public(c, srv.JWKS(srv.Now()))
	return nil
}

// public responds with JSON, to any caller.
func (srv *Server) public(c echo.Context, body []byte) {
	r := open(c)
	r.send(http.StatusOK, json.RawMessage(body))
	srv.Log.Answered(&r.Request, http.StatusOK)
}
