// Package readable writes what tokens and requests contain as it may be in a log or an explanation.
package readable

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxText is how much of a text from a token is shown, in bytes.
const maxText = 64

// Text returns a text from a token, or from a request, as it may be logged: short, and quoted
// unless it is a word or a URL.
func Text(s string) string {
	short := s[:min(len(s), maxText)]
	plain := short != "" && !strings.ContainsFunc(short, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	if !plain {
		short = strconv.QuoteToASCII(strings.ToValidUTF8(short, "�"))
	}
	if len(short) > maxText { // control characters have long names
		short = short[:maxText]
	}
	if len(s) > maxText {
		short += "…"
	}
	return short
}

// List returns the first of several texts, joined by a word.
func List(list []string, word string) string {
	const most = 3
	var texts []string
	for _, s := range list[:min(len(list), most)] {
		texts = append(texts, Text(s))
	}
	if len(list) > most {
		texts = append(texts, fmt.Sprintf("%d more", len(list)-most))
	}
	return strings.Join(texts, word)
}

// Allowed returns the allowed values of a setting as an operator writes them.
func Allowed(list []string) string {
	list = slices.Clone(list)
	for n, s := range list {
		if s == "" {
			list[n] = "none"
		}
	}
	return List(list, " or ")
}

// Count returns a number with a noun, which has an s in the plural.
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Duration returns a duration as people say it, in its largest unit.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than 1 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
