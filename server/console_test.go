package server

import (
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/caller"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// TestCookiesBehindAProxy checks that the console's cookies are for HTTPS only, and for this host
// only, if a trusted proxy says that the browser uses HTTPS; and that nobody else can say so.
func TestCookiesBehindAProxy(t *testing.T) {
	s, err := settings.Load(settings.Source{Env: []string{"STILE_DATA=" + t.TempDir(), "STILE_LISTEN=127.0.0.1:0", "STILE_ADMIN_LISTEN=127.0.0.1:0", "STILE_TRUSTED_PROXIES=192.0.2.1"}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := New(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	f := srv.frame()
	f.Form(frame.Form{Path: "/flash", Role: operations.Viewer, Do: func(*frame.Request, frame.Values) (frame.Done, error) {
		return frame.Done{To: "/", Flash: "Done."}, nil
	}})
	post := func(from, proto string) string {
		r := httptest.NewRequest("POST", "/flash", strings.NewReader(url.Values{"csrf": {"token"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = from + ":1234"
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		r.Header.Set("X-Forwarded-Proto", proto)
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r.WithContext(caller.With(r.Context(), caller.Caller{Actor: operations.Actor{Name: "ada", Role: operations.Owner}, CSRF: "token"})))
		return w.Header().Get("Set-Cookie")
	}
	for _, c := range []struct {
		from, proto string
		secure      bool
	}{{"192.0.2.1", "https", true}, {"192.0.2.1", "http", false}, {"192.0.2.9", "https", false}} {
		cookie := post(c.from, c.proto)
		if strings.HasPrefix(cookie, "__Host-stile-message=") != c.secure || strings.Contains(cookie, "; Secure") != c.secure || !strings.Contains(cookie, "stile-message=") {
			t.Errorf("%+v: %q", c, cookie)
		}
	}
}
