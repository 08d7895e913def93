package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"stile.example/stile/addresses"
	. "stile.example/stile/simulate"
)

// small returns a day with a fifth of the people, and all scrapers.
func small() Config {
	c := Default()
	c.Scale = 20
	return c
}

func run(t *testing.T, c Config) Report {
	t.Helper()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGoals checks that the default policy achieves its goals.
func TestGoals(t *testing.T) {
	r := run(t, small())
	goals := r.Goals()
	if len(goals) != 11 {
		t.Errorf("got %d goals, want 11", len(goals))
	}
	for _, g := range goals {
		if !g.Held {
			t.Errorf("not held: %s: %s", g.Goal, g.Seen)
		}
	}
	if t.Failed() {
		t.Log("\n" + r.Text())
	}
}

// TestGoalsFail checks that the default policy without one of its rules misses goals. So the goals
// test the rules, and not only the simulated population.
func TestGoalsFail(t *testing.T) {
	for name, c := range map[string]struct {
		without func(*Config)
		fail    []string
	}{
		"records not counted":                 {func(c *Config) { c.Addresses.Records = 0 }, []string{"fifty", "one", "tokens"}},
		"immediate block":                     {func(c *Config) { c.Addresses.Then = addresses.ThenBlock }, []string{"class", "office"}},
		"people must solve more than they do": {func(c *Config) { c.Addresses.SolveRatio = 1 }, []string{"office"}},
		"more than 400 records":               {func(c *Config) { c.Addresses.Records = 401 }, []string{"fifty"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small()
			c.without(&cfg)
			cfg.Groups = c.fail
			for n, g := range run(t, cfg).Goals() {
				if g.Held {
					t.Errorf("%s: %s is held: %s", cfg.Groups[n], g.Goal, g.Seen)
				}
			}
		})
	}
}

// TestPlainRules checks that the plain rules are worse for the office, and better for the scraper.
func TestPlainRules(t *testing.T) {
	c := small()
	c.Groups = []string{"office", "one"}
	r := run(t, c)
	if office := r.Plain[0]; office.Blocked < office.Agents/2 {
		t.Errorf("plain rules block %d of %d in an office", office.Blocked, office.Agents)
	}
	if one := r.Plain[1]; one.Day < 0.5 {
		t.Errorf("by plain rules a scraper gets %v of the corpus", one.Day)
	}
}

// TestSameSeed checks that the same seed leads to the same report, that another seed leads to
// another one, and that a group's result does not depend on the other groups.
func TestSameSeed(t *testing.T) {
	c := small()
	c.Groups = []string{"home", "class", "phones", "work"}
	a, b := run(t, c), run(t, c)
	one, err1 := a.JSON()
	two, err2 := b.JSON()
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(one, two) || a.Text() != b.Text() {
		t.Errorf("two runs differ, %v:\n%s\n%s", err, a.Text(), b.Text())
	}
	c.Seed = 2
	if run(t, c).Text() == a.Text() {
		t.Error("another seed leads to the same report")
	}
	c.Seed, c.Groups = 1, []string{"phones"}
	if alone := run(t, c); alone.Groups[0] != a.Groups[2] {
		t.Errorf("alone: %+v\nwith other groups: %+v", alone.Groups[0], a.Groups[2])
	}
}

// TestPhonesRenew checks that a phone whose address changes loses its token, and continues with a
// new one.
func TestPhonesRenew(t *testing.T) {
	c := small()
	c.Groups = []string{"phones"}
	if g := run(t, c).Groups[0]; g.Renewals < g.Agents/10 || g.Blocked > 0 {
		t.Errorf("%+v", g)
	}
}

// TestDays checks that a daily budget applies to each day.
func TestDays(t *testing.T) {
	c := small()
	c.Days, c.Groups = 3, []string{"fifty"}
	g := run(t, c).Groups[0]
	if g.Day >= 0.2 || g.Records < 2*18_000 {
		t.Errorf("%d records in three days, at most %v a day", g.Records, g.Day)
	}
}

func TestProgress(t *testing.T) {
	c := small()
	c.Groups = []string{"class", "one"}
	var progress []int
	c.Progress = func(done, of int) { progress = append(progress, done, of) }
	run(t, c)
	if !slices.Equal(progress, []int{1, 4, 2, 4, 3, 4, 4, 4}) {
		t.Errorf("progress: %v", progress)
	}
}

func TestUnknownGroup(t *testing.T) {
	c := small()
	c.Groups = []string{"office", "offices"}
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("no error")
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, small()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
