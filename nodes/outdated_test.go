package nodes

import (
	"testing"
	"time"
)

// TestOutdated: a node serves without news for 15 minutes, and not longer, also if it hears that
// something has changed, and can't read what.
func TestOutdated(t *testing.T) {
	for behind, want := range map[time.Duration]bool{0: false, 15 * time.Minute: false, 15*time.Minute + time.Second: true} {
		if err := (Health{Behind: behind}).outdated(); (err != nil) != want {
			t.Errorf("%s without news: %v", behind, err)
		}
		if err := (Health{Unheard: behind, Unread: []string{"tenants"}}).outdated(); (err != nil) != want {
			t.Errorf("%s without reading a topic: %v", behind, err)
		}
	}
}
