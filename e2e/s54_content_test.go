package e2e

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"testing"

	"stile.example/stile/stiletest"
)

// TestS54IncompleteResponses searches a slow corpus for more items than the server counts. The
// response has items, and names what is missing.
func TestS54IncompleteResponses(t *testing.T) {
	s := newServer(t, "policy: {token: {calls: 1000000, records: 100000000}}")
	s.must(stiletest.WriteSlowCorpus(filepath.Join(s.Dir, "slow.jsonl"), 20_000))
	s.command("content", "import", "slow.jsonl")
	token := s.tokens(1)[0]
	for q, want := range map[string]string{
		// Over 10,000 items match.
		url.Values{"q": {"frequenta"}, "facets": {"shape"}}.Encode():             `["facets"]`,
		url.Values{"q": {stiletest.SlowRareWord(1)}, "facets": {"tag"}}.Encode(): "",
		url.Values{"q": {"frequenta"}}.Encode():                                  "",
	} {
		code, body := s.raw("GET", "/v1/items?"+q+"&"+params("client_id", "acme", "access_token", token), nil, "")
		var got struct {
			Data []json.RawMessage
			Meta struct {
				Total      int
				Facets     map[string][]struct{ Count int }
				Incomplete json.RawMessage
			}
		}
		s.must(json.Unmarshal([]byte(body), &got))
		if code != 200 || len(got.Data) != 20 || got.Meta.Total < 10 || string(got.Meta.Incomplete) != want {
			t.Errorf("%s: %d, %d items, total %d, incomplete %s, want %s", q, code, len(got.Data), got.Meta.Total, got.Meta.Incomplete, want)
		}
	}
	for i := range 20 { // complete or not
		if a := s.mustGet("/v1/items?"+stiletest.SlowQuery(i).Encode(), token, ""); a.Status != 200 {
			t.Errorf("slow search %d: %d %s", i, a.Status, a.code())
		}
	}
}

// TestS55ShortSuggestions requests completions of fewer than two characters, and of one character
// in a script without spaces.
func TestS55ShortSuggestions(t *testing.T) {
	s := newServer(t, "")
	s.write("words.jsonl", `{"id":"apple","title":"Apple"}`+"\n"+`{"id":"tokyo","title":"東京"}`+"\n")
	s.command("content", "import", "words.jsonl")
	token := s.tokens(1)[0]
	for q, want := range map[string]string{
		"a": "[]", "A ": "[]", "a-": "[]", "á": "[]", "": "[]",
		"ap": `[{"text":"Apple","id":"apple","collection":""}]`, "東": `[{"text":"東京","id":"tokyo","collection":""}]`,
	} {
		if a := s.mustGet("/v1/suggest?q="+url.QueryEscape(q), token, ""); a.Status != 200 || string(a.Data) != want {
			t.Errorf("q=%q: %d %s, want %s", q, a.Status, a.Data, want)
		}
	}
}
