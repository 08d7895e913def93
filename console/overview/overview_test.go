package overview_test

import (
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/frame"
	"stile.example/stile/console/overview"
)

// TestNoCalls checks that a server without calls shows no latency, and no change in percent.
func TestNoCalls(t *testing.T) {
	s := consoletest.New(t, overview.Add)
	for _, period := range []string{"hour", "day", "month"} {
		page := s.Get("/?period="+period, 200)
		consoletest.Has(t, page, `<p class="value">no calls</p>`, "No calls in this period.")
		for _, wrong := range []string{"0.00", "NaN", "Inf", "0 ms"} {
			if strings.Contains(page, wrong) {
				t.Errorf("%s: the page has %s", period, wrong)
			}
		}
	}
}

// TestBefore checks that each figure is next to that of the period before.
func TestBefore(t *testing.T) {
	s := consoletest.New(t, overview.Add)
	consoletest.Fill(s.Frame, time.Now(), "acme", "other")
	consoletest.Has(t, s.Get("/", 200), "Refusals by code", "Before</th>", "solved ", " (before ", ", failed ", ", left open ")
}

// TestChange checks the texts of changes.
func TestChange(t *testing.T) {
	for _, c := range []struct {
		now, before float64
		good        int
		text, tone  string
	}{{0, 0, -1, "no change", ""}, {5, 0, -1, "none before", "bad"}, {5, 0, 0, "none before", ""}, {0, 5, -1, "−100 %", "good"}, {1, 1000, 0, "over −99 %", ""}, {6, 5, 1, "+20 %", "good"}, {100, 5, 0, "20 times", ""}, {1000, 1001, 1, "no change", ""}} {
		if text, tone := frame.Change(c.now, c.before, c.good); text != c.text || tone != c.tone {
			t.Errorf("from %v to %v: %q %q, want %q %q", c.before, c.now, text, tone, c.text, c.tone)
		}
	}
}
