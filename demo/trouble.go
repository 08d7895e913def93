package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// OtherAddress is the address of the caller that uses a copy of a visitor's token. The range is
// reserved for documentation (RFC 5737), so no real call comes from it.
const OtherAddress = "203.0.113.9"

// revoke revokes the visitor's token, as a tenant does when a visitor logs out.
func (s *Site) revoke(w http.ResponseWriter, r *http.Request) {
	if err := s.post(r.Context(), "/oauth/revoke", url.Values{"token": {r.PostFormValue("token")}}, nil); err != nil {
		respond(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	respond(w, http.StatusOK, map[string]bool{"revoked": true})
}

// copyResult is the result of a call with a copied token.
type copyResult struct {
	Address string `json:"address"`
	Status  int    `json:"status"`
	Code    string `json:"code,omitempty"` // empty if the call was admitted
	Title   string `json:"title,omitempty"`
	Ref     string `json:"ref,omitempty"` // for `stile explain`
}

// elsewhere makes a call with the visitor's token from another address, as a caller that has
// copied the token would.
func (s *Site) elsewhere(w http.ResponseWriter, r *http.Request) {
	got, err := s.callWithCopy(r, r.PostFormValue("token"))
	if err != nil {
		respond(w, http.StatusBadGateway, problem{err.Error()})
		return
	}
	respond(w, http.StatusOK, got)
}

func (s *Site) callWithCopy(r *http.Request, token string) (copyResult, error) {
	call := s.API + "/v1/items?limit=1&client_id=" + url.QueryEscape(s.ClientID)
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, call, nil)
	if err != nil {
		return copyResult{}, fmt.Errorf("call from another address: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := s.OtherTransport.RoundTrip(req)
	if err != nil {
		return copyResult{}, fmt.Errorf("call from another address: %w", err)
	}
	defer res.Body.Close()
	var body struct {
		Error struct{ Code, Title, Ref string }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxResponse)).Decode(&body); err != nil {
		return copyResult{}, fmt.Errorf("read the response to the other address: %w", err)
	}
	return copyResult{OtherAddress, res.StatusCode, body.Error.Code, body.Error.Title, body.Error.Ref}, nil
}
