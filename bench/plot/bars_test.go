package plot

import (
	"encoding/xml"
	"io"
	"math"
	"strings"
	"testing"
)

func sample() Bars {
	return Bars{Title: "Calls & more", Unit: "calls a second", Series: []string{"stile", "bare <Echo>"}, Groups: []Group{
		{"1 connection", []Bar{{Value: 10_000, Low: 9000, High: 12_000, Goal: 16_000, Text: "10,000"}, {Value: 20_000, Text: "20,000"}}},
		{"64 connections", []Bar{{Value: math.NaN()}, {Value: 0, Text: "0", IsMuted: true}}},
	}}
}

// TestSVG checks that a chart is well-formed, escapes what it gets, and has its values for screen
// readers and its colours for light and dark.
func TestSVG(t *testing.T) {
	text := sample().SVG()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	for _, part := range []string{`<title id="t">Calls &amp; more</title>`, `aria-labelledby="t d"`, `prefers-color-scheme:dark`, `>bare &lt;Echo&gt;</text>`, `>not measured</text>`, `>goal</text>`, `>lowest to highest</text>`, `class="s3" x`,
		`In calls a second. 1 connection: stile 10,000 (goal 16,000), bare &lt;Echo&gt; 20,000. 64 connections: stile not measured, bare &lt;Echo&gt; 0.`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("a coordinate is not a number:\n%s", text)
	}
}

// TestBarsAreProportional checks that a bar is as long as its value says.
func TestBarsAreProportional(t *testing.T) {
	c := sample()
	if half, whole := c.x(10_000)-left, c.x(20_000)-left; math.Abs(2*half-whole) > 0.01 || whole != right-left {
		t.Errorf("10,000 is %v long, 20,000 is %v", half, whole)
	}
}

// TestScale checks that an axis has 2 to 6 rules at round values.
func TestScale(t *testing.T) {
	for highest, want := range map[float64]float64{0: 0.2, 0.7: 0.2, 1: 0.2, 1.3: 0.5, 3: 0.5, 7: 2, 55_000: 10_000, 83_000: 20_000, 20_000: 5000} {
		c := Bars{Groups: []Group{{Bars: []Bar{{Value: highest}}}}}
		if _, step := c.scale(); math.Abs(step-want) > 1e-9 {
			t.Errorf("until %v, a rule each %v; want %v", highest, step, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 1234567: "1,234,567", 100: "100", 1000.5: "1,000.5"} {
		if got := number(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

// TestMutedSeries checks that the legend has the colour of the bars.
func TestMutedSeries(t *testing.T) {
	svg := Bars{Series: []string{"a", "b"}, Groups: []Group{{Name: "g", Bars: []Bar{{Value: 1, Text: "1"}, {Value: 2, Text: "2", IsMuted: true}}}}}.SVG()
	if n := strings.Count(svg, `class="s3"`); n != 2 || strings.Contains(svg, `class="s1"`) {
		t.Errorf("the legend and the bar have the muted colour %d times:\n%s", n, svg)
	}
}
