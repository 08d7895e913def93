//go:build vectors

package challenge

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestVectorsAltcha uses the v2 challenges that altcha-lib made. It checks that our solver finds
// the same counters and keys for our algorithm, and refuses other algorithms.
func TestVectorsAltcha(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(os.Getenv("STILE_VECTORS"), "altcha", "altcha-vectors.json"))
	if err != nil {
		t.Fatalf("run make test-vectors VECTORS=DIR: %v", err)
	}
	var file struct {
		V2 []struct {
			Mode      string
			Challenge struct{ Parameters Parameters }
			Solution  struct {
				Counter    uint32
				DerivedKey string
			}
			Valid bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	solved, foreign := 0, 0
	for i, v := range file.V2 {
		p := v.Challenge.Parameters
		found, err := Solve(context.Background(), p)
		if p.Algorithm != algorithm {
			if err == nil {
				t.Errorf("%d: %s is solved by counter %d", i, p.Algorithm, found.Counter)
			}
			foreign++
			continue
		}
		if err != nil {
			t.Errorf("%d: %v", i, err)
			continue
		}
		if got := found.Counter == v.Solution.Counter && hex.EncodeToString(found.Key) == v.Solution.DerivedKey; got != v.Valid {
			t.Errorf("%d (%s): %d, %x: %t, want %t for %+v", i, v.Mode, found.Counter, found.Key, got, v.Valid, v.Solution)
		}
		if next, err := p.Key(v.Solution.Counter + 1); err != nil || hex.EncodeToString(next) == v.Solution.DerivedKey {
			t.Errorf("%d: the next counter leads to %x, %v", i, next, err)
		}
		solved++
	}
	if solved == 0 || solved+foreign < 10 {
		t.Errorf("%d solved, %d of other algorithms: these are not the vectors", solved, foreign)
	}
}
