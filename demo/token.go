package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	apiTimeout  = 5 * time.Second
	maxResponse = 1 << 20 // bytes
)

// token gets a new token for each request of a browser, and never reuses one. A token is bound
// to the first caller that uses it, and dies when a second one does.
func (s *Site) token(w http.ResponseWriter, r *http.Request) {
	var got struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	err := s.post(r.Context(), "/oauth/token", url.Values{"grant_type": {"client_credentials"}}, &got)
	if err == nil && got.Token == "" {
		err = errors.New("the response has no token")
	}
	if err != nil {
		respond(w, http.StatusBadGateway, problem{"can't get a token: " + err.Error()})
		return
	}
	respond(w, http.StatusOK, map[string]any{"access_token": got.Token, "expires_in": got.Expires})
}

// post sends a form to the API's server with the client's credentials, and decodes the response
// into v unless v is nil. Its errors never contain a secret.
func (s *Site) post(ctx context.Context, path string, form url.Values, v any) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.API+path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("post to %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.Secret)) // RFC 6749 §2.3.1
	res, err := s.Transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("post to %s: %w", path, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s responded with status %d", path, res.StatusCode)
	}
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxResponse)).Decode(v); err != nil {
		return fmt.Errorf("read the response of %s: %w", path, err)
	}
	return nil
}

// problem is the JSON error that the site's own pages receive.
type problem struct {
	Error string `json:"error"`
}

// respond sends a JSON response.
func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error means that the browser has gone
}
