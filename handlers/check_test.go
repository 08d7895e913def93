package handlers

import "net/http/httptest"

// check compares a whole response, and the headers of every response.
func (s *site) check(rec *httptest.ResponseRecorder, status int, contentType, body, what string) {
	s.Helper()
	if got := fixed(rec.Body.String()); rec.Code != status || got != body {
		s.Errorf("%s:\n got %d %s\nwant %d %s", what, rec.Code, got, status, body)
	}
	for name, want := range map[string]string{
		"Content-Type": contentType, "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "cross-origin",
		"Access-Control-Allow-Origin": "*", "Set-Cookie": "", "Access-Control-Allow-Credentials": "",
	} {
		if got := rec.Header().Get(name); got != want {
			s.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
	if rec.Header().Get("X-Request-Id") == "" {
		s.Errorf("%s: no X-Request-Id", what)
	}
}
