package nodelist

import (
	"testing"
	"time"

	"stile.example/stile/nodes"
)

// TestSameName: both live servers of one name are marked. One with a name of its own, and a command
// with their name, are not.
func TestSameName(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	var all []nodes.Row
	for i, name := range []string{"n1", "n1", "n2", "n1"} {
		r := nodes.Row{Started: at, Seen: at.Add(time.Minute)}
		r.Number, r.Name, r.Address = uint32(i+1), name, "10.0.0.7:8080"
		all = append(all, r)
	}
	all[3].Address = "" // a command
	for i, v := range viewsOf(all, nil) {
		if want := i < 2; v.SameName != want {
			t.Errorf("%s (%d): %v, want %v", v.Name, v.Number, v.SameName, want)
		}
	}
}
