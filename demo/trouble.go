package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Stranger is the address of who uses a visitor's token from elsewhere. It is
// one for documents (RFC 5737), so that nobody's calls come from it.
const Stranger = "203.0.113.9"

// revoke withdraws the visitor's token, as a tenant does when somebody logs
// out.
func (s *Site) revoke(w http.ResponseWriter, r *http.Request) {
	if err := s.ask(r.Context(), "/oauth/revoke", url.Values{"token": {r.PostFormValue("token")}}, nil); err != nil {
		answer(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]bool{"revoked": true})
}

// theft is what came of using the token from elsewhere.
type theft struct {
	Address string `json:"address"`
	Status  int    `json:"status"`
	Code    string `json:"code,omitempty"` // "" where the thief was let through
	Title   string `json:"title,omitempty"`
	Ref     string `json:"ref,omitempty"` // for `stile explain`
}

// elsewhere makes a call with the visitor's token from another address, as who
// has copied it would.
func (s *Site) elsewhere(w http.ResponseWriter, r *http.Request) {
	got, err := s.steal(r, r.PostFormValue("token"))
	if err != nil {
		answer(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	answer(w, http.StatusOK, got)
}

func (s *Site) steal(r *http.Request, token string) (theft, error) {
	call := s.API + "/v1/items?limit=1&client_id=" + url.QueryEscape(s.ClientID)
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, call, nil)
	if err != nil {
		return theft{}, fmt.Errorf("call from elsewhere: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := s.Outside.RoundTrip(req)
	if err != nil {
		return theft{}, fmt.Errorf("call from elsewhere: %w", err)
	}
	defer res.Body.Close()
	var body struct {
		Error struct{ Code, Title, Ref string }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&body); err != nil {
		return theft{}, fmt.Errorf("read what was answered elsewhere: %w", err)
	}
	return theft{Stranger, res.StatusCode, body.Error.Code, body.Error.Title, body.Error.Ref}, nil
}
