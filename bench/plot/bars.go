// Package plot draws bars as SVG files, for pages that are read in light and dark. It has no
// dependencies: an SVG file is text.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Bars is a chart of horizontal bars, in groups.
type Bars struct {
	Title  string
	Unit   string   // of the axis, such as "calls a second"
	Series []string // the legend: the names of the bars of a group; one or none: no legend
	Groups []Group
}

// Group is the bars of one thing, one for each of the series.
type Group struct {
	Name string
	Bars []Bar
}

// Bar is one value. NaN is a value that is missing.
type Bar struct {
	Value     float64
	Low, High float64 // the ends of its spread; both 0: it has none
	Goal      float64 // where a mark is; 0: it has none
	Text      string  // of the value
	IsMuted   bool    // it is shown for comparison, in another colour
}

const (
	width     = 960
	left      = 330 // where the bars begin
	right     = 800 // where the longest one ends; its text is next to it
	barHeight = 18
	barGap    = 4
	groupGap  = 14
	top       = 78
	bottom    = 48
)

// SVG returns the chart as a file. Screen readers get its title and, as its description, all
// values.
func (c Bars) SVG() string {
	var b strings.Builder
	height := c.height()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="t d" font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif">`+"\n", width, height)
	fmt.Fprintf(&b, `<title id="t">%s</title>`+"\n"+`<desc id="d">%s</desc>`+"\n", html.EscapeString(c.Title), html.EscapeString(c.describe()))
	b.WriteString(style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d" rx="10"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="ink" x="24" y="34" font-size="18" font-weight="600">%s</text>`+"\n", html.EscapeString(c.Title))
	c.legend(&b)
	c.axis(&b, height)
	y := top
	for _, g := range c.Groups {
		c.group(&b, g, y)
		y += g.height() + groupGap
	}
	b.WriteString("</svg>\n")
	return b.String()
}

const mutedColour = 3

// The colours differ in lightness too, so that nobody has to tell hues apart. A halo separates the
// spread from the bar behind it.
const style = `<style>
.page{fill:#fbfaf7}.ink{fill:#2b2620}.soft{fill:#6b6256}.rule{stroke:#ddd3c1}.s0{fill:#3e5c34}.s1{fill:#d08a4e}.s2{fill:#8fb0d6}.s3{fill:#b9ab92}.halo{stroke:#fbfaf7}.spread{stroke:#2b2620}.goal{stroke:#a8281b}.goaltext{fill:#a8281b}
@media (prefers-color-scheme:dark){.page{fill:#191714}.ink{fill:#f1ebe0}.soft{fill:#b5aa99}.rule{stroke:#3d372f}.s0{fill:#8fb383}.s1{fill:#b5682c}.s2{fill:#4a76a8}.s3{fill:#6b6256}.halo{stroke:#191714}.spread{stroke:#f1ebe0}.goal{stroke:#ff8a75}.goaltext{fill:#ff8a75}}
</style>
`

func (g Group) height() int { return len(g.Bars)*(barHeight+barGap) - barGap }

func (c Bars) height() int {
	height := top + bottom - groupGap
	for _, g := range c.Groups {
		height += g.height() + groupGap
	}
	return height
}

// legend writes what the colours and the marks mean.
func (c Bars) legend(b *strings.Builder) {
	x := 24
	add := func(sample, name string) {
		fmt.Fprintf(b, `<g transform="translate(%d 48)">%s<text class="soft" x="20" y="11" font-size="13">%s</text></g>`+"\n", x, sample, html.EscapeString(name))
		x += 40 + 7*len([]rune(name))
	}
	if len(c.Series) > 1 {
		for i, name := range c.Series {
			colour := i % 4
			if len(c.Groups) > 0 && len(c.Groups[0].Bars) > i && c.Groups[0].Bars[i].IsMuted {
				colour = mutedColour
			}
			add(fmt.Sprintf(`<rect class="s%d" width="14" height="12" rx="2"/>`, colour), name)
		}
	}
	if c.has(func(bar Bar) bool { return bar.High > 0 }) {
		add(`<path class="spread" d="M0 6H14M0 2V10M14 2V10" fill="none" stroke-width="1.5"/>`, "lowest to highest")
	}
	if c.has(func(bar Bar) bool { return bar.Goal > 0 }) {
		add(`<path class="goal" d="M7 0V12" stroke-width="3"/>`, "goal")
	}
}

// axis writes the rules behind the bars, and their values below.
func (c Bars) axis(b *strings.Builder, height int) {
	highest, step := c.scale()
	for n := 0; ; n++ {
		v := float64(n) * step
		if v > highest*1.001 {
			break
		}
		x := coordinate(c.x(v))
		fmt.Fprintf(b, `<path class="rule" d="M%s %dV%d"/><text class="soft" x="%s" y="%d" font-size="12" text-anchor="middle">%s</text>`+"\n",
			x, top-6, height-bottom+6, x, height-bottom+22, number(v))
	}
	fmt.Fprintf(b, `<text class="soft" x="%d" y="%d" font-size="12.5" text-anchor="end">%s</text>`+"\n", width-24, height-10, html.EscapeString(c.Unit))
}

func (c Bars) group(b *strings.Builder, g Group, y int) {
	fmt.Fprintf(b, `<text class="ink" x="%d" y="%d" font-size="14" text-anchor="end">%s</text>`+"\n", left-12, y+g.height()/2+5, html.EscapeString(g.Name))
	for i, bar := range g.Bars {
		c.bar(b, bar, i, y+i*(barHeight+barGap))
	}
}

func (c Bars) bar(b *strings.Builder, bar Bar, series, y int) {
	middle := y + barHeight/2
	if math.IsNaN(bar.Value) {
		fmt.Fprintf(b, `<text class="soft" x="%d" y="%d" font-size="13">not measured</text>`+"\n", left+6, middle+5)
		return
	}
	end := c.x(bar.Value)
	if bar.IsMuted {
		series = mutedColour
	}
	fmt.Fprintf(b, `<rect class="s%d" x="%d" y="%d" width="%s" height="%d" rx="2"/>`, series%4, left, y, coordinate(max(end-left, 1)), barHeight)
	if bar.High > 0 {
		low, high := coordinate(c.x(bar.Low)), coordinate(c.x(bar.High))
		path := fmt.Sprintf("M%s %dH%sM%s %dv8M%s %dv8", low, middle, high, low, middle-4, high, middle-4)
		fmt.Fprintf(b, `<path class="halo" d="%s" fill="none" stroke-width="4.5"/><path class="spread" d="%s" fill="none" stroke-width="1.5"/>`, path, path)
		end = max(end, c.x(bar.High))
	}
	if bar.Goal > 0 {
		fmt.Fprintf(b, `<path class="goal" d="M%s %dv%d" stroke-width="3"/>`, coordinate(c.x(bar.Goal)), y-2, barHeight+4)
		end = max(end, c.x(bar.Goal))
	}
	fmt.Fprintf(b, `<text class="ink" x="%s" y="%d" font-size="13">%s</text>`+"\n", coordinate(end+8), middle+5, html.EscapeString(bar.Text))
}

// x returns where a value is.
func (c Bars) x(v float64) float64 {
	highest, _ := c.scale()
	return left + (right-left)*v/highest
}

// scale returns the end of the axis, and the distance of its rules: 1, 2 or 5 times a power of ten.
func (c Bars) scale() (highest, step float64) {
	c.has(func(bar Bar) bool {
		for _, v := range []float64{bar.Value, bar.High, bar.Goal} {
			if v > highest { // not if it is NaN
				highest = v
			}
		}
		return false
	})
	if highest == 0 {
		highest = 1
	}
	step = math.Pow(10, math.Floor(math.Log10(highest)))
	for _, part := range []float64{0.1, 0.2, 0.5, 1} {
		if highest/(step*part) <= 6 {
			return highest, step * part
		}
	}
	return highest, step * 2
}

// has reports whether a test is true for any bar.
func (c Bars) has(test func(Bar) bool) bool {
	for _, g := range c.Groups {
		for _, bar := range g.Bars {
			if test(bar) {
				return true
			}
		}
	}
	return false
}

// describe returns all values as text.
func (c Bars) describe() string {
	var groups []string
	for _, g := range c.Groups {
		var values []string
		for i, bar := range g.Bars {
			text := bar.Text
			if math.IsNaN(bar.Value) {
				text = "not measured"
			}
			if bar.Goal > 0 {
				text += " (goal " + number(rounded(bar.Goal)) + ")"
			}
			if len(c.Series) > 1 {
				text = c.Series[i] + " " + text
			}
			values = append(values, text)
		}
		groups = append(groups, g.Name+": "+strings.Join(values, ", ")+".")
	}
	return "In " + c.Unit + ". " + strings.Join(groups, " ")
}

// rounded leaves out the decimals of a large value, which are not exact.
func rounded(v float64) float64 {
	if v < 100 {
		return v
	}
	return math.Round(v)
}

// number writes a value of the axis with commas, and without digits that are 0.
func number(v float64) string {
	text := strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
