package move

import (
	"strings"
	"testing"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
)

// TestMoveToAnotherURL checks that nodes with another public URL don't get the installation: its
// live tokens would be refused.
func TestMoveToAnotherURL(t *testing.T) {
	dir := installation(t)
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": dir, "public_url": "https://a.example"}})
	check(t, err)
	d, err := datadir.Open(t.Context(), s, clock, quiet)
	check(t, err)
	check(t, d.ServeURL(t.Context()))
	check(t, d.Close())
	target, _ := newTarget(t, engines.Postgres(t))
	o := options(dir, target)
	o.DryRun = true
	for url, want := range map[string]string{
		"":                  "",
		"https://a.example": "",
		"https://b.example": "was served under the public_url https://a.example, and the nodes have https://b.example",
	} {
		target.PublicURL = url
		_, err := Run(t.Context(), o)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
