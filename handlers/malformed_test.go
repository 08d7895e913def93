package handlers

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stile.example/stile/tenants"
)

// serveMalformed starts a real server that refuses malformed requests as the program does.
func serveMalformed(t *testing.T, s *site) (addr string) {
	t.Helper()
	return serveBy(t, s.handler, s.RefuseMalformed, 50)
}

// TestMalformedRequests checks requests that net/http refuses itself: a script gets its error with
// status 200, every other request the real status, and all the headers of other responses.
func TestMalformedRequests(t *testing.T) {
	s := newSite(t)
	s.tenant("quiet")
	s.API.PolicyOf = func(of *tenants.Tenant) Policy {
		p := s.policy
		p.Callbacks = []string{"a.*.b"}
		if of != nil && of.ClientID == "quiet" {
			p.JSONP = "no"
		}
		return p
	}
	addr := serveMalformed(t, s)
	const host = " HTTP/1.1\r\nHost: a\r\n\r\n"
	long := strings.Repeat("x", 20_000)
	for _, c := range []struct{ text, script, status, detail string }{
		// The path.
		{"GET /v1/items/100%?callback=cb" + host, "cb", "400", "path has a percent sign"},
		{"GET /v1/items/100%" + host, "", "400", "path has a percent sign"},
		{"GET /v1/items/%zz?client_id=acme&callback=a.x.b" + host, "a.x.b", "400", "path has a percent sign"},
		{"GET /v1/items/%zz?callback=a.x.b" + host, "", "400 bad_callback", "does not list this dotted name"},
		{"GET /v1/items/%zz?client_id=quiet&callback=cb" + host, "", "404 not_found", "JSONP is switched off"},
		{"GET /v1/items/%?callback=c%62" + host, "cb", "400", "path has a percent sign"},
		{"GET /v1/items/%?callback=alert(1)" + host, "", "400 bad_callback", "must be a JavaScript name"},
		{"GET /v1/items/%?callback=cb&callback=cb" + host, "", "400 bad_callback", "must be sent once"},
		{"HEAD /v1/items/%?callback=alert(1)" + host, "", "400 bad_callback", ""},
		{"GET /v1/items?callback=alert(1) HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n\r\n", "", "400 bad_callback", "must be a JavaScript name"},
		{"GET http://a/v1/items/%?callback=cb" + host, "cb", "400", "path has a percent sign"},
		{"HEAD /v1/items/%?callback=cb" + host, "cb", "400", ""},
		{"POST /v1/items/%?callback=cb" + host, "", "400", "path has a percent sign"},
		// No script below the widgets, however the path is spelled.
		{"GET /widgets/%?callback=cb" + host, "", "400", "path has a percent sign"},
		{"GET /%77idgets/%zz?callback=cb" + host, "", "400", "path has a percent sign"},
		{"GET http://a/widgets/%?callback=cb" + host, "", "400", "path has a percent sign"},
		// The request line.
		{"GET /v1/items?q=a b&callback=cb" + host, "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/1.x\r\nHost: a\r\n\r\n", "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/3.0\r\nHost: a\r\n\r\n", "cb", "505", "HTTP/1.1"},
		{"GET /v1/items?callback=cb\x01" + host, "", "400 bad_callback", "must be a JavaScript name"},
		{"GET v1/items?callback=cb" + host, "cb", "400", "the request line or a header is malformed"},
		{"G<T /v1/items?callback=cb" + host, "", "400", "the request line or a header is malformed"},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 x\r\n\r\n", "", "400", "the request line or a header is malformed"},
		{"hello\r\n\r\n", "", "400", "the request line or a header is malformed"},
		// The headers.
		{"GET /v1/items?callback=cb HTTP/1.1\r\n\r\n", "cb", "400", "Host is missing"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a b\r\n\r\n", "cb", "400", "Host is not"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a/b\r\n\r\n", "cb", "400", "Host is not"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", "cb", "400", "header's name"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "cb", "400", "the request line or a header is malformed"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\n\r\n", "cb", "417", "Expect"},
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "", "501", "Content-Length"},
		// Too large.
		{"GET /v1/items?callback=cb HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n\r\n", "cb", "431", "16 KiB"},
		{"GET /v1/items?callback=cb&q=" + long + host, "cb", "431", "16 KiB"},
		{"GET /v1/items?q=" + long + "&callback=cb" + host, "", "431", "16 KiB"}, // it is not read
		{"GET /v1/items?q=x&callback=cb" + long + host, "", "431", "16 KiB"},     // it may continue
		{"POST /v1/items HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n\r\n", "", "431", "16 KiB"},
	} {
		method, _, _ := strings.Cut(c.text, " ")
		res, body := send(t, addr, c.text, method)
		h := res.Header
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Cache-Control": "private, no-store", "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"} {
			if got := h[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%.60q: %s is %q", c.text, name, got)
			}
		}
		status, code, named := strings.Cut(c.status, " ")
		if !named {
			code = "bad_request"
		}
		kind, begins := "application/json", `{"error":{"type":"/problems/`+code+`","code":"`+code+`","status":`+status+","
		if c.script != "" {
			status, kind = "200", "text/javascript; charset=utf-8"
			begins = "/**/ typeof " + c.script + " === 'function' && " + c.script + "(" + begins
		}
		if method == "HEAD" {
			begins = ""
		}
		if res.Status[:3] != status || h.Get("Content-Type") != kind || !res.Close || h.Get("Date") == "" ||
			!strings.HasPrefix(body, begins) || !strings.Contains(body, c.detail) || (begins == "") != (body == "") {
			t.Errorf("%.60q: %s %v %s", c.text, res.Status, h, body)
		}
	}
}

// TestMalformedAfterOthers checks that on a connection that is used again, a malformed request is
// refused with its own callback, and that a valid one is answered as ever.
func TestMalformedAfterOthers(t *testing.T) {
	s := newSite(t)
	c := dial(t, serveMalformed(t, s))
	c.SetDeadline(time.Now().Add(30 * time.Second)) // only to give up
	in := bufio.NewReader(c)
	ask := func(text string) string {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	for range 3 {
		if got := ask("GET /none?callback=one HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "/**/ typeof one ") {
			t.Error(got)
		}
		if got := ask("POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b"); !strings.HasPrefix(got, `{"error"`) {
			t.Error(got)
		}
	}
	if got := ask("GET /%?callback=two HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "/**/ typeof two ") {
		t.Error(got)
	}

	// Both at once: the callback of the second can't be read, and the first's is not used for it.
	c = dial(t, serveMalformed(t, s))
	in = bufio.NewReader(c)
	if got := ask("GET /none?callback=one HTTP/1.1\r\nHost: a\r\n\r\nGET /%?callback=two HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "/**/ typeof one ") {
		t.Error(got)
	}
	if got := ask(""); !strings.HasPrefix(got, `{"error"`) {
		t.Error(got)
	}
}

// TestOptionsOfTheServer checks OPTIONS *, which net/http would answer itself, without our headers.
func TestOptionsOfTheServer(t *testing.T) {
	s := newSite(t)
	res, _ := send(t, serveMalformed(t, s), "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "OPTIONS")
	if res.StatusCode != 204 || res.Header.Get("Allow") == "" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
}
