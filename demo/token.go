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
	patience  = 5 * time.Second
	maxAnswer = 1 << 20
)

// token gives a browser a token of its own. It is never kept for another one:
// a token is bound to the first who uses it, and dies with the second.
func (s *Site) token(w http.ResponseWriter, r *http.Request) {
	var got struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	err := s.ask(r.Context(), "/oauth/token", url.Values{"grant_type": {"client_credentials"}}, &got)
	if err == nil && got.Token == "" {
		err = errors.New("the answer has no token")
	}
	if err != nil {
		answer(w, http.StatusBadGateway, problem{"no token could be had: " + err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": got.Token, "expires_in": got.Expires})
}

// ask posts a form to the API's server as the client, and reads what is
// answered into v, if that is not nil. Its errors name no secret.
func (s *Site) ask(ctx context.Context, path string, form url.Values, v any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.API+path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.Secret)) // RFC 6749 §2.3.1
	res, err := s.Inside.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", path, res.StatusCode)
	}
	if v == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(v); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}

// problem is what the site's own pages are told when something went wrong.
type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // to a browser that is gone: nothing to be done
}
