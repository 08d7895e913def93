package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestS1TokenSpellings: a token that is limited to 100 calls has 100 calls in total, whether it is
// sent by header, query or form. Other spellings of it are not valid tokens.
func TestS1TokenSpellings(t *testing.T) {
	s := newServer(t, "policy: {token: {calls: 100}}")
	token := s.tokens(1)[0]
	dots := strings.Split(token, ".")
	misspelt := []string{
		dots[0] + "." + dots[1] + "." + dots[2][:10] + "\n" + dots[2][10:],
		dots[0] + "." + dots[1] + "." + dots[2] + "\r\n",
		token + "=", token + "==", token + ".", "." + token, " " + token + " ",
		token[:len(token)-1] + otherLast(token),
		strings.ReplaceAll(token, ".", ".."),
	}
	var accepted, admitted int
	for n := range 150 {
		status, body := s.spelled(n%3, token)
		if status == 200 && strings.Contains(body, `{"data":`) {
			admitted++
		}
		if status, body := s.spelled(n%3, misspelt[n%len(misspelt)]); status != 401 || !strings.Contains(body, `"token_`) {
			accepted++
			t.Errorf("spelling %q, transport %d: %d %s", misspelt[n%len(misspelt)], n%3, status, body)
		}
		if accepted > 3 {
			t.FailNow()
		}
	}
	if admitted != 100 {
		t.Errorf("%d calls were admitted, want 100", admitted)
	}
	if status, body := s.spelled(0, token); status != 401 || !strings.Contains(body, "token_exhausted") {
		t.Errorf("a call over the limit: %d %s", status, body)
	}
}

// otherLast returns another last character with the same bits of the signature. 64 bytes are
// encoded as 86 characters, so 4 bits of the last one are unused.
func otherLast(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, token[len(token)-1])^1:][:1]
}

// spelled makes a call with a token in the query (0), the header (1) or a form (2).
func (s *server) spelled(transport int, token string) (int, string) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	q := params("client_id", "acme", "access_token", token)
	switch {
	case transport == 0:
		return s.raw("GET", "/v1/items/i1?"+q, nil, "")
	case transport == 1 && !strings.ContainsAny(token, "\r\n "): // a header can't contain those
		return s.raw("GET", "/v1/items/i1?client_id=acme", http.Header{"Authorization": {"Bearer " + token}}, "")
	}
	return s.raw("POST", "/v1/items/i1", form, q)
}
