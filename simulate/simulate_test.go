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

// small is a day with a fifth of the people, and all scrapers.
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

// TestGoals: the default policy holds what it is for.
func TestGoals(t *testing.T) {
	r := run(t, small())
	goals := r.Goals()
	if len(goals) != 11 {
		t.Errorf("%d goals were judged", len(goals))
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

// TestGoalsFall: without one of its rules the default policy does not hold
// them, so that the goals are tests of the rules and not of the population.
func TestGoalsFall(t *testing.T) {
	for name, c := range map[string]struct {
		without func(*Config)
		fall    []string
	}{
		"no records":                          {func(c *Config) { c.Addresses.Records = 0 }, []string{"fifty", "one", "tokens"}},
		"a block at once":                     {func(c *Config) { c.Addresses.Then = addresses.ThenBlock }, []string{"class", "office"}},
		"people must solve more than they do": {func(c *Config) { c.Addresses.SolveRatio = 1 }, []string{"office"}},
		"more than 400 records":               {func(c *Config) { c.Addresses.Records = 401 }, []string{"fifty"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small()
			c.without(&cfg)
			cfg.Groups = c.fall
			for n, g := range run(t, cfg).Goals() {
				if g.Held {
					t.Errorf("%s: %s is held: %s", cfg.Groups[n], g.Goal, g.Seen)
				}
			}
		})
	}
}

// TestPlainRules: what stands beside the policy is worse for the office and
// better for the scraper.
func TestPlainRules(t *testing.T) {
	c := small()
	c.Groups = []string{"office", "one"}
	r := run(t, c)
	if office := r.Plain[0]; office.Blocked < office.Agents/2 {
		t.Errorf("a block at once blocks %d of %d in an office", office.Blocked, office.Agents)
	}
	if one := r.Plain[1]; one.Day < 0.5 {
		t.Errorf("without a budget of records a scraper gets %v of the corpus", one.Day)
	}
}

// TestSameSeed: the same seed gives the same bytes, another one others, and a
// group does not depend on who else is played.
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
		t.Error("another seed gives the same")
	}
	c.Seed, c.Groups = 1, []string{"phones"}
	if alone := run(t, c); alone.Groups[0] != a.Groups[2] {
		t.Errorf("alone: %+v\nin company: %+v", alone.Groups[0], a.Groups[2])
	}
}

// TestPhonesRenew: a phone that gets another address loses its token, and goes
// on with a new one.
func TestPhonesRenew(t *testing.T) {
	c := small()
	c.Groups = []string{"phones"}
	if g := run(t, c).Groups[0]; g.Renewals < g.Agents/10 || g.Blocked > 0 {
		t.Errorf("%+v", g)
	}
}

// TestDays: a budget of a day is one each day.
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
	var told []int
	c.Progress = func(done, of int) { told = append(told, done, of) }
	run(t, c)
	if !slices.Equal(told, []int{1, 4, 2, 4, 3, 4, 4, 4}) {
		t.Errorf("told %v", told)
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
