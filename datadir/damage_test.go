package datadir

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"stile.example/stile/settings"
	"stile.example/stile/store"
)

// TestExplainDamage checks that a node without a copy of the corpus is not advised to start with an
// empty one, which is for a single server: the others have it.
func TestExplainDamage(t *testing.T) {
	for where, want := range map[string]string{
		"sqlite":                "--new-corpus",
		"postgres://u:pw@db/st": "The corpus is in postgres://db/st: check that the data directory has space",
	} {
		s, err := settings.Load(settings.Source{Flags: map[string]string{"store": where, "data": t.TempDir(), "store_key_file": filepath.Join(t.TempDir(), "key")}})
		if where == "sqlite" {
			s, err = settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir()}})
		}
		if err != nil {
			t.Fatal(err)
		}
		got := explainDamage(s, fmt.Errorf("%w: no space left on device", store.ErrCorpus)).Error()
		if !strings.Contains(got, want) || strings.Contains(got, "--new-corpus") != (where == "sqlite") || strings.Contains(got, "pw") {
			t.Errorf("%s: %s", where, got)
		}
	}
}
