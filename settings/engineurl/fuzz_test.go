package engineurl_test

import (
	"strings"
	"testing"

	"stile.example/stile/settings/engineurl"
)

// FuzzSplit checks that a URL is the same after it was written and read again, and that the form
// that is shown has no password.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"postgres://a:secret@h1,h2:5432/db?sslmode=require", "redis://:p%40ss@[::1]:6379/0", "valkey://h", "://", "a://b@c@d/?password=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := engineurl.Split(text)
		if err != nil {
			if strings.Contains(err.Error(), text) && len(text) > 20 {
				t.Errorf("the error contains the URL: %v", err)
			}
			return
		}
		again, err := engineurl.Split(u.String())
		if len(u.String()) > 2048 { // characters that were written as %XX
			return
		}
		if err != nil || again.Hosts != u.Hosts || again.Scheme != u.Scheme || again.HasPassword() != u.HasPassword() {
			t.Errorf("%q: %+v, then %+v, %v", text, u, again, err)
		}
		if u.AreHosts() && u.User != nil {
			if password, has := u.User.Password(); has && len(password) > 8 && strings.Contains(u.Shown(), password) && !strings.Contains(u.Hosts+u.Path.Path+u.Scheme, password) {
				t.Errorf("%q: shown as %q", text, u.Shown())
			}
		}
	})
}
