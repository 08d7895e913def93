package content

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Range is a filter: an item must have a number or date of that name from Min to Max.
type Range struct {
	Name     string  // an attribute's name, "published_at" or "updated_at"
	Min, Max float64 // as [Number] returns them; infinite where the range is open
}

// Ends is the smallest and the largest value of a name. They are numbers, or days such as
// 2026-03-01.
type Ends struct {
	Min any `json:"min"`
	Max any `json:"max"`
}

// Number returns the number that range filters compare: of a number's text, or of a date's the Unix
// time in seconds.
func Number(text string) (n float64, isDate, ok bool) {
	if text == "" || len(text) > 40 {
		return 0, false, false
	}
	if last := text[len(text)-1]; '0' <= last && last <= '9' && !strings.ContainsAny(text, "xX_") {
		if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(n, 0) {
			return n + 0, false, true // -0 becomes 0
		}
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	return float64(t.UnixMicro()) / 1e6, true, err == nil
}

// Limit narrows a range by the value of a parameter: min or max. A max that is a day includes the
// whole day. The error is an [ErrQuery].
func (r *Range) Limit(isMax bool, text string) error {
	n, isDate, ok := Number(text)
	if !ok {
		field := "min."
		if isMax {
			field = "max."
		}
		return ErrQuery{field + r.Name, "must be a number or a date such as 2026-03-01"}
	}
	if isMax && isDate && len(text) == len(time.DateOnly) {
		n += 24*60*60 - 1e-6
	}
	if isMax {
		r.Max = n
	} else {
		r.Min = n
	}
	return nil
}
