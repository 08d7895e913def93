// Package chart draws charts as SVG, for pages without inline style or script: time series, small
// ones next to a figure, and horizontal bars.
//
// A chart is a figure with a legend and a table of the same numbers. Its shapes stretch to the
// width of the page and its texts don't, because the texts are next to the shapes. Colours come
// from CSS classes (c0 to c7), so they differ in light and dark. Series also differ in their
// dashes or hatches, so that nobody has to tell colours apart. The package is pure: equal charts
// give equal texts.
package chart

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"
)

// Kind is how a time series is drawn.
type Kind int

// The kinds.
const (
	Lines   Kind = iota // a line for each series, the first with an area below it
	Columns             // a column for each time; the series are stacked
)

// Time is a chart of values over time. Values that are not finite (NaN, ±Inf, over 1e18) are
// missing: their place is empty. Negative values are drawn as 0, and are in the table as they are.
type Time struct {
	ID     string // unique in the page: a word
	Title  string
	Kind   Kind
	Unit   Unit
	Times  []time.Time   // where the intervals begin, ascending
	Step   time.Duration // length of an interval
	Series []Series      // at most 8
	// Nothing is shown if no series has a value; "": that there is no data yet.
	Nothing string
}

// Series is a row of values, one for each time.
type Series struct {
	Name   string
	Values []float64
}

const (
	width  = 1000 // of the drawing, in units that stretch
	height = 180
)

// HTML returns the chart as a figure.
func (c Time) HTML() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<figure class="chart" data-chart><figcaption><span class="title">%s</span>`, html.EscapeString(c.Title))
	if !c.hasValues() {
		nothing := cmp.Or(c.Nothing, "No data for this period yet.")
		fmt.Fprintf(&b, `<output class="point"></output></figcaption><p class="nothing">%s</p></figure>`, html.EscapeString(nothing))
		return template.HTML(b.String())
	}
	c.legend(&b)
	b.WriteString(`<output class="point"></output></figcaption>`)
	top, ticks := scale(c.highest(), c.Unit)
	b.WriteString(`<div class="plot"><div class="y" aria-hidden="true">`)
	for i := len(ticks) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "<span>%s</span>", html.EscapeString(c.Unit.short(ticks[i])))
	}
	b.WriteString("</div>")
	c.drawing(&b, top, ticks)
	c.axis(&b)
	b.WriteString("</div>")
	c.table(&b)
	b.WriteString("</figure>")
	return template.HTML(b.String())
}

// hasValues reports whether any series has a value.
func (c Time) hasValues() bool {
	for _, s := range c.Series {
		if _, _, any := bounds(s, len(c.Times)); any {
			return true
		}
	}
	return false
}

// legend writes a sample of each series and its name, the first at the top of a stack last.
func (c Time) legend(b *strings.Builder) {
	if len(c.Series) < 2 {
		return
	}
	b.WriteString(`<ul class="legend">`)
	for i, s := range c.Series {
		b.WriteString(`<li><svg width="22" height="10" aria-hidden="true">`)
		if c.Kind == Lines {
			fmt.Fprintf(b, `<path class="line c%d d%d" d="M0 5h22"/>`, i%8, i%8)
		} else {
			fmt.Fprintf(b, `<rect %s width="22" height="10"/>`, c.fill(i))
		}
		fmt.Fprintf(b, `</svg>%s</li>`, html.EscapeString(s.Name))
	}
	b.WriteString("</ul>")
}

// drawing writes the shapes, with a title and a description for screen readers.
func (c Time) drawing(b *strings.Builder, top float64, ticks []float64) {
	id := c.id()
	fmt.Fprintf(b, `<svg class="shapes" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		width, height, id, id, id, html.EscapeString(c.Title), id, html.EscapeString(c.describe()))
	for _, t := range ticks {
		fmt.Fprintf(b, `<path class="rule" d="M0 %sH%d"/>`, coordinate(down(t, top)), width)
	}
	if c.Kind == Columns {
		hatches(b, id, len(c.Series))
		c.columns(b, top)
	} else {
		c.lines(b, top)
	}
	b.WriteString("</svg>")
}

// lines writes a line for each series, and a dot for each point alone. The first has an area below
// it. Their points are at whole heights, which keeps pages small.
func (c Time) lines(b *strings.Builder, top float64) {
	for i := len(c.Series) - 1; i >= 0; i-- {
		line, dots := trace(c.Series[i], len(c.Times), func(n int, v float64) (x, y float64) {
			return (float64(n) + 0.5) * width / float64(len(c.Times)), math.Round(down(v, top))
		})
		if i == 0 && line != "" {
			fmt.Fprintf(b, `<path class="area c0" d="%s"/>`, areaBelow(line))
		}
		if line != "" {
			fmt.Fprintf(b, `<path class="line c%d d%d" d="%s"/>`, i%8, i%8, line)
		}
		if dots != "" {
			fmt.Fprintf(b, `<path class="line dot c%d" d="%s"/>`, i%8, dots)
		}
	}
}

// trace returns the paths of the first n values of a series: lines between neighbours, and dots for
// points without one.
func trace(s Series, n int, at func(i int, v float64) (x, y float64)) (lines, dots string) {
	var l, d strings.Builder
	isOpen := false // the line ends in the point before
	for i := range n {
		v, ok := valueAt(s, i)
		if !ok {
			isOpen = false
			continue
		}
		x, y := at(i, v)
		point := coordinate(x) + " " + coordinate(y)
		_, more := valueAt(s, i+1)
		switch {
		case isOpen:
			l.WriteString("L" + point)
		case more && i+1 < n:
			l.WriteString("M" + point)
			isOpen = true
		default:
			d.WriteString("M" + point + "h0")
		}
	}
	return l.String(), d.String()
}

// areaBelow returns the path of the area below a path of lines.
func areaBelow(lines string) string {
	var b strings.Builder
	for _, part := range strings.Split(lines, "M")[1:] {
		start, _, _ := strings.Cut(part, " ")
		fmt.Fprintf(&b, "M%sV%dH%sz", part, height, start)
	}
	return b.String()
}

// columns writes a path for each series, with a rectangle for each time.
func (c Time) columns(b *strings.Builder, top float64) {
	base := make([]float64, len(c.Times))
	slot := width / float64(len(c.Times))
	for i, s := range c.Series {
		var d strings.Builder
		for n := range c.Times {
			v, ok := valueAt(s, n)
			if !ok || v == 0 {
				continue
			}
			low, high := down(base[n], top), down(base[n]+v, top)
			base[n] += v
			fmt.Fprintf(&d, "M%s %sh%sv%sh-%sz", coordinate((float64(n)+0.12)*slot), coordinate(low), coordinate(0.76*slot), coordinate(high-low), coordinate(0.76*slot))
		}
		if d.Len() > 0 {
			fmt.Fprintf(b, `<path %s d="%s"/>`, c.fill(i), d.String())
		}
	}
}

// fill returns the attribute that fills the shapes of the i-th series: a colour, or a hatched one.
func (c Time) fill(i int) string {
	if i%8 == 0 {
		return `class="c0"`
	}
	return fmt.Sprintf(`fill="url(#%s-h%d)"`, c.id(), i%8)
}

// hatches writes the patterns that distinguish stacked series. The first has none.
func hatches(b *strings.Builder, id string, n int) {
	shapes := []string{"", "M0 6L6 0", "M0 3H6", "M3 0V6", "M0 0L6 6", "M0 3H6M3 0V6", "M0 6L6 0M0 0L6 6", "M1 1h2v2h-2z"}
	b.WriteString("<defs>")
	for i := 1; i < min(n, len(shapes)); i++ {
		fmt.Fprintf(b, `<pattern id="%s-h%d" width="6" height="6" patternUnits="userSpaceOnUse"><path class="c%d" d="M0 0H6V6H0z"/><path class="hatch" d="%s"/></pattern>`, id, i, i, shapes[i])
	}
	b.WriteString("</defs>")
}

// axis writes the times below the drawing.
func (c Time) axis(b *strings.Builder) {
	b.WriteString(`<svg class="x" height="18" aria-hidden="true">`)
	for _, t := range timeTicks(c.Times, c.Step) {
		fmt.Fprintf(b, `<text x="%s%%" y="13" text-anchor="middle">%s</text>`, coordinate(100*t.at), t.text)
	}
	b.WriteString("</svg>")
}

// table writes the numbers of the chart.
func (c Time) table(b *strings.Builder) {
	fmt.Fprintf(b, `<details class="numbers"><summary>Numbers<span class="sr">: %s</span></summary><div class="scroll" tabindex="0" role="group" aria-label="Numbers: %s"><table><caption class="sr">%s</caption><thead><tr><th scope="col">From (UTC)</th>`,
		html.EscapeString(c.Title), html.EscapeString(c.Title), html.EscapeString(c.Title))
	for _, s := range c.Series {
		fmt.Fprintf(b, `<th scope="col" class="num">%s</th>`, html.EscapeString(s.Name))
	}
	b.WriteString("</tr></thead><tbody>")
	for i, t := range c.Times {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, c.exact(t))
		for _, s := range c.Series {
			text := "–"
			if i < len(s.Values) && isFinite(s.Values[i]) {
				text = c.Unit.Text(s.Values[i])
			}
			fmt.Fprintf(b, "<td>%s</td>", html.EscapeString(text))
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table></div></details>")
}

// exact writes a time as precisely as the intervals are.
func (c Time) exact(t time.Time) string {
	if c.Step >= 24*time.Hour {
		return t.UTC().Format("2006-01-02")
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// describe says in a sentence what the chart shows.
func (c Time) describe() string {
	var parts []string
	for _, s := range c.Series {
		low, high, any := bounds(s, len(c.Times))
		if any {
			parts = append(parts, fmt.Sprintf("%s from %s to %s", s.Name, c.Unit.Text(low), c.Unit.Text(high)))
		}
	}
	period := fmt.Sprintf("%s to %s UTC", c.exact(c.Times[0]), c.exact(c.Times[len(c.Times)-1]))
	if len(parts) == 0 {
		return period + ": no values."
	}
	return period + ": " + strings.Join(parts, "; ") + "."
}

// bounds returns the lowest and the highest value of a series.
func bounds(s Series, n int) (low, high float64, any bool) {
	for i := range n {
		if v, ok := valueAt(s, i); ok {
			if !any {
				low, high = v, v
			}
			low, high, any = min(low, v), max(high, v), true
		}
	}
	return low, high, any
}

// highest returns the highest value to draw: of a series, or of a stack.
func (c Time) highest() (top float64) {
	for i := range c.Times {
		sum := 0.0
		for _, s := range c.Series {
			v, _ := valueAt(s, i)
			sum += v
			if c.Kind == Lines {
				top = max(top, v)
			}
		}
		if c.Kind == Columns {
			top = max(top, sum)
		}
	}
	return top
}

// valueAt returns a value as it is drawn, and reports whether there is one.
func valueAt(s Series, i int) (v float64, ok bool) {
	if i >= len(s.Values) || !isFinite(s.Values[i]) {
		return 0, false
	}
	return max(s.Values[i], 0), true
}

// isFinite reports whether a value is one. Nothing that is counted has 19 digits.
func isFinite(v float64) bool { return math.Abs(v) < 1e18 }

// down returns the distance of a value from the top of the drawing.
func down(v, top float64) float64 { return height - height*min(v/top, 1) }

// coordinate writes a coordinate with one decimal at most.
func coordinate(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

// id returns the ID without what does not belong into an id.
func (c Time) id() string {
	return "chart-" + strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, c.ID)
}
