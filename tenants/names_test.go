package tenants

import (
	"maps"
	"testing"
)

// TestNames checks that only the newest tenant of a client_id is named by it alone, also if that
// one was removed too.
func TestNames(t *testing.T) {
	got := Names(map[uint32]string{1: "acme", 2: "globex", 3: "acme", 11: "acme"})
	if want := map[uint32]string{1: "acme~1", 2: "globex", 3: "acme~3", 11: "acme"}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, name := range got {
		if id := ClientIDOf(name); id != "acme" && id != "globex" {
			t.Errorf("%s: %s", name, id)
		}
	}
}
