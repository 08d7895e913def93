package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"stile.example/stile/tenants"
)

// TestMismatches checks that each cause of client_mismatch has its own rule, title and detail, and
// that an explanation and the log name the page. The detail names no site of the tenant.
func TestMismatches(t *testing.T) {
	required := func(s *site) []string { s.policy.Site = "required"; return onSite(s) }
	as := func(client string) func(*site) []string {
		return func(s *site) []string {
			s.tenant("other", "https://other.example")
			return []string{"client_id", client, "access_token", s.mint()}
		}
	}
	details := map[string]string{}
	for _, c := range []struct {
		name    string
		arrange func(*site) []string
		header  http.Header
		rule    string
		page    string
		detail  string // part of it
	}{
		{"origin", onSite, http.Header{"Origin": {"https://X.example:443"}}, "sites", "https://x.example", "The page's origin https://x.example is not one"},
		{"plain http", onSite, http.Header{"Origin": {"http://192.168.1.20:3000"}}, "sites", "http://192.168.1.20:3000", "http://192.168.1.20:3000"},
		{"app", onSite, http.Header{"Origin": {"capacitor://localhost"}}, "sites", "capacitor://localhost", "capacitor://localhost"},
		{"referer", onSite, http.Header{"Referer": {"https://x.example/private?token=canary"}}, "sites", "https://x.example", "origin https://x.example is"},
		{"null", onSite, http.Header{"Origin": {"null"}}, "sites", "null", "Origin: null"},
		{"invalid", onSite, http.Header{"Origin": {"canary"}}, "sites", "invalid", "not an origin"},
		{"required", required, nil, "site", "", "neither Origin nor Referer"},
		{"hidden", onSite, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"script"}}, "no origin", "", "Referrer-Policy"},
		{"image", good, http.Header{"Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"cross-site"}}, "fetch metadata", "", "(Sec-Fetch-Dest: image)"},
		{"address bar", good, http.Header{"Sec-Fetch-Site": {"none"}}, "fetch metadata", "", "(Sec-Fetch-Site: none)"},
		{"prefetch", good, http.Header{"Sec-Fetch-Dest": {"empty"}, "Sec-Purpose": {"prefetch"}}, "fetch metadata", "", "(Sec-Purpose: prefetch)"},
		{"another client_id", as("other"), nil, "client_id", "", "client_id is not the one that the token was issued to"},
		{"unknown client_id", as("nobody"), nil, "unknown client_id", "", "client_id is not the one that the token was issued to"},
	} {
		s := newSite(t)
		path := with(itemsPath, c.arrange(s)...)
		rec := s.do(ask{path: path, header: c.header})
		body := rec.Body.String()
		var got struct {
			Error struct{ Code, Title, Detail, Type string }
		}
		s.must(json.Unmarshal([]byte(body), &got))
		e, note := got.Error, s.notes.last()
		if rec.Code != 403 || e.Code != "client_mismatch" || e.Type != "/problems/client_mismatch" || !strings.Contains(e.Detail, c.detail) {
			t.Errorf("%s: %d %s", c.name, rec.Code, body)
		}
		if note.Rule != c.rule || note.Page != c.page {
			t.Errorf("%s: the explanation is %+v", c.name, note)
		}
		if strings.Contains(body, "canary") || strings.Contains(body, "acme.example") || strings.Contains(body, "nobody") || strings.Contains(body, "other.example") {
			t.Errorf("%s reveals too much: %s", c.name, body)
		}
		if log := s.lines.String(); !strings.Contains(log, `"rule":"`+c.rule+`"`) || c.page != "" && !strings.Contains(log, `"page":"`+c.page+`"`) || strings.Contains(log, "canary") {
			t.Errorf("%s: the log is %s", c.name, log)
		}
		if n := len(strings.Fields(e.Title)); n > 6 || e.Title == infoOf("client_mismatch").Title {
			t.Errorf("%s: the title is %q", c.name, e.Title)
		}
		details[c.name] = e.Title + e.Detail
	}
	if details["another client_id"] != details["unknown client_id"] {
		t.Error("a caller can find out whether a client_id exists")
	}
}

// TestOriginsAreCleaned sends origins that attack the page, the terminal and the log. A response is
// the same over JSONP, and a log line stays one line.
func TestOriginsAreCleaned(t *testing.T) {
	for _, origin := range []string{
		"https://<script>alert(1)</script>", "https://x.example\u2028alert(1)", "https://x.example\x1b[31m", "https://x.example\r\nlevel=ERROR",
		"https://x.example\x00", "https://\xff\xfe.example", "https://" + strings.Repeat("a", 10<<10) + ".example", "https://" + strings.Repeat("a.", 5<<10),
		strings.Repeat("x", 10<<10), `https://x.example"}});alert(1)//`, "https://x.example');cb({", "https://\u202eelpmaxe.x", "//x.example", "x", " ",
		"javascript://x.example/%0aalert(1)", "https://user:canary@x.example",
	} {
		s := newSite(t)
		params := onSite(s)
		for _, header := range []string{"Origin", "Referer"} {
			for _, more := range []string{"", "&callback=cb"} {
				before := strings.Count(s.lines.String(), "\n")
				rec := s.do(ask{path: with(itemsPath, params...) + more, header: http.Header{header: {origin}}})
				body := rec.Body.String()
				if !strings.Contains(body, `"code":"client_mismatch"`) || len(body) > 1024 || strings.ContainsAny(body, "<\u2028\x1b\r\x00\u202e") || !utf8.ValidString(body) || strings.Contains(body, "canary") {
					t.Errorf("%s %.60q: %.300q", header, origin, body)
				}
				if lines := s.lines.String(); strings.Count(lines, "\n") != before+1 || len(lines) > 1024*(before+1) || strings.ContainsAny(lines, "\x1b\r\x00\u2028\u202e") || strings.Contains(lines, "canary") {
					t.Errorf("%s %.60q: the log is %.500q", header, origin, lines)
				}
			}
		}
	}
}

// TestInsecureSites checks that a registered origin with plain http is admitted, and no other one.
func TestInsecureSites(t *testing.T) {
	s := newSite(t)
	s.change(func(t *tenants.Tenant) { t.Sites = []string{"http://192.168.1.20:3000"} })
	for origin, status := range map[string]int{"http://192.168.1.20:3000": 200, "http://192.168.1.20": 403, "https://192.168.1.20:3000": 403, "http://192.168.1.21:3000": 403} {
		for _, header := range []http.Header{{"Origin": {origin}}, {"Referer": {origin + "/shop/?a"}}, {"Referer": {strings.ToUpper(origin) + "/"}}} {
			if rec := s.do(ask{path: with(itemsPath, good(s)...), header: header}); rec.Code != status {
				t.Errorf("%v: %d %s", header, rec.Code, rec.Body)
			}
		}
	}
}
