package frame

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Drawing is a chart, made by console/chart.
type Drawing interface{ HTML() template.HTML }

// funcs returns the functions of the templates.
func (f *Frame) funcs() template.FuncMap {
	return template.FuncMap{
		"num":     func(n any) (string, error) { return numberOf(n) },
		"count":   countOf,
		"percent": percent,
		"prose":   prose,
		"rfc":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"ago":     func(t time.Time) string { return Ago(t, f.now()) },
		"groups":  groups,
		"path":    Path,
		"field":   func(f Field) Field { return f },
		"code":    func(label, code string) Snippet { return Snippet{Label: label, Code: code} },
		"empty": func(title, text, action, href string) Empty {
			return Empty{Title: title, Text: text, Action: action, Href: href}
		},
		"draw":   func(d Drawing) template.HTML { return d.HTML() },
		"hidden": func(name, value string) Field { return Field{Name: name, Kind: "hidden", Value: value} },
		"thousandths": func(share float64) int {
			return int(math.Round(1000 * min(max(share, 0), 1)))
		},
	}
}

// prose returns a text as HTML, with `code` as code.
func prose(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}

// openers are the words with which errors begin, unless they begin with a name or a value.
var openers = []string{"a", "after", "all", "an", "choose", "it", "its", "no", "not", "nothing", "only", "paste", "that", "the", "there", "this", "to", "type", "unknown", "without"}

// sameOnPages finds the end of an error that names a command for which the console has pages.
var sameOnPages = regexp.MustCompile("(?m); (?:to change it, use )?`stile [a-z -]*\\b(?:list|show|set|deliveries)\\b[^;\n]*$")

// Say returns an error as pages say it: as a sentence, without the command that does the same as a
// page. Errors are written for the command line too.
func Say(err error) string {
	lines := strings.Split(sameOnPages.ReplaceAllString(err.Error(), ""), "\n")
	for i, line := range lines {
		if first, _, _ := strings.Cut(line, " "); slices.Contains(openers, first) {
			line = strings.ToUpper(line[:1]) + line[1:]
		}
		if last, _ := utf8.DecodeLastRuneInString(line); unicode.IsLetter(last) || unicode.IsDigit(last) || strings.ContainsRune("\"`)”", last) {
			line += "."
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// number writes a whole number with commas between thousands: 1,234,567.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "−", text[1:]
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// Number writes a whole number with commas between thousands.
func Number(n int64) string { return number(n) }

// Count writes how many of something there are: 1 item, 2 items.
func Count(n int64, what string) string { return count(number(n), what) }

// countOf is Count for templates.
func countOf(n any, what string) (string, error) {
	text, err := numberOf(n)
	return count(text, what), err
}

func count(n, what string) string {
	if n == "1" {
		return n + " " + what
	}
	return n + " " + what + "s"
}

func numberOf(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return number(int64(n)), nil
	case int64:
		return number(n), nil
	case uint16:
		return number(int64(n)), nil
	case uint32:
		return number(int64(n)), nil
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("num: %T is not a number", n)
}

func percent(share float64) string {
	if share != 0 && math.Abs(share) < 0.1 {
		return strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(100*share, 'f', 0, 64) + " %"
}

// Percent writes a share from 0 to 1 in percent.
func Percent(share float64) string { return percent(share) }

// Ago says how long before or after now a time is, in one unit.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		if d > -time.Second {
			return "now"
		}
		return "in " + span(-d)
	}
	if d < 5*time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

// span writes a duration in one unit.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 60*day:
		return Count(int64(d/day), "day")
	case d < 730*day:
		return Count(int64(d/(30*day)), "month")
	}
	return Count(int64(d/(365*day)), "year")
}

// Changed returns the card with its change from the figure of the period before, as number and
// text. good says if more is good (1), bad (-1) or neither (0).
func (c Card) Changed(now, before float64, text string, good int) Card {
	c.Change, c.Tone = Change(now, before, good)
	if c.Before = text; now == before || before == 0 {
		c.Before = ""
	}
	return c
}

// Change returns a card's change from one figure to the next: its text, and its tone if more is
// good (1) or bad (-1).
func Change(now, before float64, good int) (text, tone string) {
	switch {
	case now == before:
		return "no change", ""
	case before == 0:
		return "none before", toneOf(good)
	}
	share := (now - before) / before
	text = fmt.Sprintf("%+.0f %%", 100*share)
	if share < -0.995 && now > 0 { // −100 % is nothing left
		text = "over −99 %"
	}
	if math.Abs(share) < 0.005 {
		return "no change", ""
	}
	if share > 9.99 {
		text = fmt.Sprintf("%.0f times", now/before)
	}
	text = strings.Replace(text, "-", "−", 1)
	if now < before {
		good = -good
	}
	return text, toneOf(good)
}

func toneOf(good int) string {
	switch {
	case good > 0:
		return "good"
	case good < 0:
		return "bad"
	}
	return ""
}
