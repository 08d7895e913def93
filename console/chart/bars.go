package chart

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Bars is a table of values with a horizontal bar for each.
type Bars struct {
	Title string
	Of    string   // title of the first column: what the rows are
	Names []string // of the values of a row, one or more
	Unit  Unit
	Rows  []Bar
}

// Bar is a row of bars.
type Bar struct {
	Label  string
	Href   string // a path of the console; "": no link
	Title  string // more about it, shown on hover
	Values []float64
}

// HTML returns the bars as a table.
func (c Bars) HTML() template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<table class="bars"><caption>%s</caption><thead class="%s"><tr><th scope="col">%s</th><th scope="col"><span class="sr">Bar</span></th>`, html.EscapeString(c.Title), c.headClass(), html.EscapeString(c.Of))
	for i, n := range c.Names {
		fmt.Fprintf(&b, `<th scope="col" class="num">%s%s</th>`, c.sample(i), html.EscapeString(n))
	}
	b.WriteString("</tr></thead><tbody>")
	top := 0.0
	for _, r := range c.Rows {
		for i := range r.Values {
			v, _ := valueAt(Series{Values: r.Values}, i)
			top = max(top, v)
		}
	}
	for _, r := range c.Rows {
		c.row(&b, r, top)
	}
	b.WriteString("</tbody></table>")
	return template.HTML(b.String())
}

// headClass hides the head of a table with one value, whose caption says it all.
func (c Bars) headClass() string {
	if len(c.Names) == 1 {
		return "sr"
	}
	return "shown"
}

// sample returns how the bars of the i-th value look.
func (c Bars) sample(i int) string {
	if len(c.Names) < 2 {
		return ""
	}
	return fmt.Sprintf(`<svg width="14" height="8" aria-hidden="true"><rect class="c%d b%d" width="14" height="8"/></svg> `, i%8, i%8)
}

func (c Bars) row(b *strings.Builder, r Bar, top float64) {
	label := html.EscapeString(r.Label)
	if strings.HasPrefix(r.Href, "/") {
		label = fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(r.Href), label)
	}
	title := ""
	if r.Title != "" {
		title = ` title="` + html.EscapeString(r.Title) + `"`
	}
	thick := 10
	fmt.Fprintf(b, `<tr><th scope="row"%s>%s</th><td class="bar-cell"><svg viewBox="0 0 1000 %d" preserveAspectRatio="none" height="%d" aria-hidden="true">`, title, label, thick*len(c.Names), thick*len(c.Names))
	for i := range c.Names {
		v, ok := valueAt(Series{Values: r.Values}, i)
		if ok && v > 0 && top > 0 {
			fmt.Fprintf(b, `<rect class="c%d b%d" y="%d" width="%s" height="%d"/>`, i%8, i%8, thick*i+1, coordinate(max(1000*v/top, 3)), thick-2)
		}
	}
	b.WriteString("</svg></td>")
	for i := range c.Names {
		text := "–"
		if i < len(r.Values) {
			text = c.Unit.Text(r.Values[i])
		}
		fmt.Fprintf(b, `<td class="num">%s</td>`, html.EscapeString(text))
	}
	b.WriteString("</tr>")
}

// Spark is a small line without axes, next to a figure that says the same in numbers.
type Spark struct{ Values []float64 }

// HTML returns the line. It is not for screen readers: the figure is.
func (c Spark) HTML() template.HTML {
	values := c.Values
	for len(values) > maxSpark {
		values = halved(values)
	}
	s := Series{Values: values}
	_, top, any := bounds(s, len(values))
	if !any || len(values) < 2 {
		return ""
	}
	if top == 0 {
		top = 1
	}
	line, dots := trace(s, len(values), func(i int, v float64) (x, y float64) {
		return math.Round(float64(i) * 100 / float64(len(values)-1)), 27 - 26*v/top
	})
	shapes := `<path class="line c0" d="` + line + `"/>`
	if dots != "" {
		shapes += `<path class="line dot c0" d="` + dots + `"/>`
	}
	return template.HTML(`<svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">` + shapes + `</svg>`)
}

// maxSpark is how many points a small line has: more can't be seen.
const maxSpark = 30

// halved returns the means of pairs of values.
func halved(values []float64) (half []float64) {
	for i := 0; i < len(values); i += 2 {
		v := values[i]
		if i+1 < len(values) {
			v = (v + values[i+1]) / 2
		}
		half = append(half, v)
	}
	return half
}
