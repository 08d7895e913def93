package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestS1OneTokenManySpellings: a token of 100 calls, sent by header, by query
// and by form, has 100 calls in all; other spellings of it are no tokens.
func TestS1OneTokenManySpellings(t *testing.T) {
	s := newSite(t, "policy: {token: {calls: 100}}")
	token := s.tokens(1)[0]
	dots := strings.Split(token, ".")
	odd := []string{
		dots[0] + "." + dots[1] + "." + dots[2][:10] + "\n" + dots[2][10:],
		dots[0] + "." + dots[1] + "." + dots[2] + "\r\n",
		token + "=", token + "==", token + ".", "." + token, " " + token + " ",
		token[:len(token)-1] + otherLast(token),
		strings.ReplaceAll(token, ".", ".."),
	}
	var odds, answered int
	for n := range 150 {
		status, body := s.spelled(n%3, token)
		if status == 200 && strings.Contains(body, `{"data":`) {
			answered++
		}
		if status, body := s.spelled(n%3, odd[n%len(odd)]); status != 401 || !strings.Contains(body, `"token_`) {
			odds++
			t.Errorf("spelling %q by way %d: %d %s", odd[n%len(odd)], n%3, status, body)
		}
		if odds > 3 {
			t.FailNow()
		}
	}
	if answered != 100 {
		t.Errorf("%d calls answered, want 100", answered)
	}
	if status, body := s.spelled(0, token); status != 401 || !strings.Contains(body, "token_exhausted") {
		t.Errorf("afterwards: %d %s", status, body)
	}
}

// otherLast is another last character with the same bits of the signature: of
// the 86 characters of 64 bytes, the last has four bits that say nothing.
func otherLast(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, token[len(token)-1])^1:][:1]
}

// spelled makes a call with a token by one of three ways.
func (s *site) spelled(way int, token string) (int, string) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	q := params("client_id", "acme", "access_token", token)
	switch {
	case way == 0:
		return s.raw("GET", "/v1/items/i1?"+q, nil, "")
	case way == 1 && !strings.ContainsAny(token, "\r\n ") || way == 3: // a header can't hold those
		return s.raw("GET", "/v1/items/i1?client_id=acme", http.Header{"Authorization": {"Bearer " + token}}, "")
	}
	return s.raw("POST", "/v1/items/i1", form, q)
}
