package chart

import (
	"flag"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	_ "stile.example/stile/stiletest/repeatable"
)

var update = flag.Bool("update", false, "write the files in testdata")

var start = time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)

func hours(n int) (times []time.Time) {
	for i := range n {
		times = append(times, start.Add(time.Duration(i)*time.Hour))
	}
	return times
}

// TestGolden compares charts with those that were looked at. After a change that is meant, run
// `go test ./console/chart -update`, and look at the files.
func TestGolden(t *testing.T) {
	wave := func(n int, height float64) (v []float64) {
		for i := range n {
			v = append(v, math.Round(height*(1+math.Sin(float64(i)/3))))
		}
		return v
	}
	gap := wave(24, 700)
	gap[7], gap[8] = math.NaN(), math.NaN()
	for name, c := range map[string]interface{ HTML() template.HTML }{
		"lines.html":   Time{ID: "calls", Title: "Calls", Times: hours(24), Step: time.Hour, Series: []Series{{"This day", gap}, {"Day before", wave(24, 500)}}},
		"columns.html": Time{ID: "challenges", Title: "Challenges", Kind: Columns, Times: hours(12), Step: time.Hour, Series: []Series{{"solved", wave(12, 30)}, {"failed", wave(12, 4)}, {"left open", wave(12, 2)}}},
		"latency.html": Time{ID: "latency", Title: "Latency", Unit: Seconds, Times: hours(3), Step: time.Hour, Series: []Series{{"p99", []float64{0.0021, 0.014, 1.2}}}},
		"empty.html":   Time{ID: "none", Title: "Nothing"},
		"bars.html":    Bars{Title: "Refusals", Of: "Code", Names: []string{"Now", "Before"}, Rows: []Bar{{Label: "token_expired", Href: "/refusals?code=token_expired", Values: []float64{120, 80}}, {Label: "address_blocked", Values: []float64{3, 0}}}},
		"spark.html":   Spark{Values: []float64{1, 4, 2, 8}},
	} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(c.HTML()+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(c.HTML()) + "\n"; got != string(want) {
			t.Errorf("%s differs; got\n%s", name, got)
		}
	}
}

var numbers = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?`)

// TestProperties checks charts of any values: every coordinate is finite and inside the drawing,
// texts are escaped, elements are closed, and equal charts give equal texts.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyChart(t)
		text := string(c.HTML())
		if text != string(c.HTML()) {
			t.Fatal("the same chart gives two texts")
		}
		for _, word := range []string{"NaN", "Inf", "<script", "<b>"} {
			if strings.Contains(text, word) {
				t.Fatalf("contains %s:\n%s", word, text)
			}
		}
		checkElements(t, text)
		checkTicks(t, c)
	})
}

func anyChart(t *rapid.T) Time {
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1000), rapid.Just(0.0), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(-5.0))
	name := rapid.SampledFrom([]string{"calls", "<script>alert(1)</script>", `"onload="x`, "\r\n\x1b[31m", "</title><b>", strings.Repeat("x", 300)})
	c := Time{ID: name.Draw(t, "id"), Title: name.Draw(t, "title"), Kind: rapid.SampledFrom([]Kind{Lines, Columns}).Draw(t, "kind"),
		Unit: rapid.SampledFrom([]Unit{Count, Seconds, Share, Amount}).Draw(t, "unit"),
		Step: rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "step")}
	n := rapid.IntRange(0, 70).Draw(t, "times")
	for i := range n {
		c.Times = append(c.Times, start.Add(time.Duration(i)*c.Step))
	}
	for range rapid.IntRange(0, 8).Draw(t, "series") {
		c.Series = append(c.Series, Series{name.Draw(t, "name"), rapid.SliceOfN(value, 0, 80).Draw(t, "values")})
	}
	return c
}

// checkElements checks that elements are closed, and that the paths of the drawing are inside it.
func checkElements(t *rapid.T, text string) {
	z := html.NewTokenizer(strings.NewReader(text))
	var open []string
	for z.Next() != html.ErrorToken {
		switch tok := z.Token(); tok.Type {
		case html.StartTagToken:
			open = append(open, tok.Data)
			fallthrough
		case html.SelfClosingTagToken:
			for _, a := range tok.Attr {
				if a.Key == "d" {
					checkPath(t, a.Val)
				}
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Fatalf("has %s=%q", a.Key, a.Val)
				}
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				t.Fatalf("</%s> does not close %v", tok.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Fatalf("not closed: %v", open)
	}
}

func checkPath(t *rapid.T, d string) {
	for _, text := range numbers.FindAllString(d, -1) {
		if v, err := strconv.ParseFloat(text, 64); err != nil || v < -width || v > width+0.1 {
			t.Fatalf("%s is outside of the drawing: %s", text, d)
		}
	}
}

func checkTicks(t *rapid.T, c Time) {
	top, ticks := scale(c.highest(), c.Unit)
	if top < c.highest()*(1-1e-6) || len(ticks) < 2 || len(ticks) > 7 || ticks[0] != 0 {
		t.Fatalf("highest %g: top %g, ticks %v", c.highest(), top, ticks)
	}
	for _, tick := range timeTicks(c.Times, c.Step) {
		if tick.at < 0 || tick.at > 1 || tick.text == "" {
			t.Fatalf("tick %v", tick)
		}
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		highest float64
		unit    Unit
		want    string
	}{
		{0, Count, "0 1"}, {1, Count, "0 1"}, {3, Count, "0 1 2 3"}, {7, Count, "0 2 4 6 8"}, {100, Count, "0 50 100"}, {1234, Count, "0 500 1,000 1,500"},
		{48_000, Count, "0 20k 40k 60k"}, {2.5e6, Count, "0 1M 2M 3M"}, {0.0123, Seconds, "0 5 ms 10 ms 15 ms"}, {0.8, Share, "0 % 20 % 40 % 60 % 80 %"}, {0.4, Amount, "0 0.1 0.2 0.3 0.4"},
	} {
		_, ticks := scale(c.highest, c.unit)
		var texts []string
		for _, v := range ticks {
			texts = append(texts, c.unit.short(v))
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("%g: %s, want %s", c.highest, got, c.want)
		}
	}
}

func TestTimeTicks(t *testing.T) {
	for _, c := range []struct {
		n    int
		step time.Duration
		want string
	}{
		{60, time.Minute, "20:00 20:10 20:20 20:30 20:40 20:50"},
		{24, time.Hour, "20:00 27 Nov 04:00 08:00 12:00 16:00"},
		{48, 30 * time.Minute, "20:00 27 Nov 04:00 08:00 12:00 16:00"},
		{47, 31 * time.Minute, "27 Nov 06:00 12:00 18:00"},
	} {
		var times []time.Time
		for i := range c.n {
			times = append(times, start.Add(time.Duration(i)*c.step))
		}
		var texts []string
		for _, tick := range timeTicks(times, c.step) {
			texts = append(texts, tick.text)
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("%d × %s: %s, want %s", c.n, c.step, got, c.want)
		}
	}
	var days []time.Time
	for i := range 30 {
		days = append(days, start.Truncate(day).AddDate(0, 0, i))
	}
	var texts []string
	for _, tick := range timeTicks(days, day) {
		texts = append(texts, tick.text)
	}
	if got := strings.Join(texts, " "); got != "26 Nov 1 Dec 6 Dec 11 Dec 16 Dec 21 Dec" {
		t.Errorf("30 days: %s", got)
	}
}

// TestPointAlone checks that a value whose neighbours are missing can be seen: a line of no length
// is drawn as a dot.
func TestPointAlone(t *testing.T) {
	values := []float64{math.NaN(), 5, math.NaN(), 1, 2}
	for name, c := range map[string]interface{ HTML() template.HTML }{
		"time":  Time{ID: "x", Times: hours(5), Step: time.Hour, Series: []Series{{"x", values}}},
		"spark": Spark{Values: values},
	} {
		text := string(c.HTML())
		if n := strings.Count(text, `class="line dot c0"`); n != 1 || strings.Count(text, "h0") != 1 {
			t.Errorf("%s: %d dots, want 1: %s", name, n, text)
		}
	}
}

// TestNothing checks that a chart without any value says so, instead of showing empty axes.
func TestNothing(t *testing.T) {
	c := Time{Title: "Latency", Unit: Seconds, Times: []time.Time{time.Unix(0, 0)}, Step: time.Hour, Series: []Series{{"p99", []float64{math.NaN()}}}, Nothing: "No calls in this period."}
	if got := string(c.HTML()); !strings.Contains(got, "No calls in this period.") || strings.Contains(got, "<svg") {
		t.Error(got)
	}
	c.Series[0].Values[0] = 0
	if got := string(c.HTML()); strings.Contains(got, "No calls") || !strings.Contains(got, "<svg") {
		t.Error(got)
	}
}
