package handlers

import (
	"strings"
	"testing"
)

// TestLabels: labels are in meta of lists, items and related items if a language is named, unless
// the publisher has none. A text that can't be a language is refused.
func TestLabels(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	const with, one = `"labels":{"facets":{"of":"1 pt_BR"}},`, `{"data":` + oneItem + `,"meta":{`
	const list = `{"data":[` + oneItem + `,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt",`
	for path, want := range map[string]string{
		"/v1/items?labels=pt_BR":             list + with,
		"/v1/items?labels=xx":                list + `"token"`,
		"/v1/items?labels=":                  list + `"token"`,
		"/v1/items/one?labels=pt_BR":         one + with,
		"/v1/items/one/related?labels=pt_BR": `],"meta":{` + with,
		"/v1/items?labels=%3Cb%3E":           `"code":"bad_request"`,
		"/v1/items/one?labels=e":             "labels must be a language, such as en or pt-BR",
	} {
		if got := s.get(path, token).Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
