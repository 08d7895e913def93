package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestS22Search searches 20,000 items for text that is syntax elsewhere, for a repeated word, for
// many words, and for too much text. Each search is answered or refused as a bad request; none
// causes an internal error.
func TestS22Search(t *testing.T) {
	s := newServer(t, "policy: {token: {calls: 1000000, records: 100000000}}")
	var corpus strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&corpus, `{"id":"many%d","title":"water and earth %d","body":"<p>%s</p>"}`+"\n", n, n%97, strings.Repeat("water of the earth ", 8))
	}
	s.write("many.jsonl", corpus.String())
	s.command("content", "import", "many.jsonl")
	token := s.tokens(1)[0]
	var slowest time.Duration
	for q, want := range map[string]int{
		strings.Repeat("water ", 16): 200, strings.Repeat("water ", 80): 200, // one word, repeated
		"water earth of the and": 200, "wat": 200, "w": 200, "": 200,
		"a b c d e f g h i": 200, strings.Repeat("x", 65): 400, // nine words; a word that is too long
		`water" OR "earth`: 200, "water*": 200, "NEAR(water earth, 5)": 200, "title : water": 200, "-water": 200, "^water": 200,
		`"`: 200, `""`: 200, "'; DROP TABLE items; --": 200, "water AND NOT earth": 200, "{title} : water": 200, "%": 200, "_": 200,
		"\u0000water": 400, "wa\u0301ter": 200, "\u202ewater": 200, "💧": 200,
	} {
		for _, more := range []string{"", "&sort=title", "&sort=newest&facets=collection,tag", "&highlight=1&limit=50"} {
			start := time.Now()
			a := s.mustGet("/v1/items?q="+url.QueryEscape(q)+more, token, "")
			slowest = max(slowest, time.Since(start))
			if a.Status != want {
				t.Errorf("q=%q%s: %d %s", q, more, a.Status, a.code())
			}
		}
		if len(q) > 64 {
			want = 200 // suggestions use the beginning
		}
		if a := s.mustGet("/v1/suggest?q="+url.QueryEscape(q), token, ""); a.Status != want {
			t.Errorf("suggest q=%q: %d %s", q, a.Status, a.code())
		}
	}
	form := map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}
	if code := s.post("/v1/items", "client_id=acme&access_token="+token+"&q="+strings.Repeat("w", 64<<10)); code != 413 {
		t.Errorf("a search of 64 KiB: %d", code)
	}
	if code, body := s.raw("POST", "/v1/items", form, params("client_id", "acme", "access_token", token, "q", strings.Repeat("w ", 4000))); code != 400 {
		t.Errorf("8,000 characters: %d %s", code, body)
	}
	t.Logf("the slowest search took %v", slowest)
}
