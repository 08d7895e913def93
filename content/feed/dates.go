package feed

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateOf returns a date as gofeed has read it, or as many programs write it against the standards.
func dateOf(text string, parsed *time.Time) Date {
	if parsed == nil {
		if t, ok := parseDate(text); ok {
			parsed = &t
		}
	}
	if parsed != nil && (parsed.UTC().Year() < 1 || parsed.UTC().Year() > 9999) {
		parsed = nil
	}
	return Date{text, parsed}
}

var (
	// mailDate matches RFC 822, section 5, with years of two or four digits. The name of the day is
	// ignored, and may be in any language.
	mailDate = regexp.MustCompile(`^(?:[\pL.]+ ?,? ?)?(?P<day>\d{1,2})[ -](?P<month>\pL{3})\pL*\.?,?[ -](?P<year>\d{4}|\d\d)(?:,? ` + clockOfDay + `)?$`)
	// isoDate matches RFC 3339. Jekyll's feeds repeat the year in front of the zone.
	isoDate = regexp.MustCompile(`^(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[T ]` + clockOfDay + `)?$`)
)

const clockOfDay = `(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?: \d{4})? ?(?P<zone>[+-]\d\d:?\d\d|[A-Za-z]{1,5})?(?: ?\(.*\))?`

// parseDate parses a date that gofeed does not know.
func parseDate(s string) (time.Time, bool) {
	s = strings.Join(strings.Fields(s), " ")
	for _, form := range []*regexp.Regexp{mailDate, isoDate} {
		if parts := form.FindStringSubmatch(s); parts != nil {
			return timeOf(func(name string) string { return parts[form.SubexpIndex(name)] })
		}
	}
	return time.Time{}, false
}

// timeOf returns the time of the parts of a date. 24:00:00 is the start of the next day.
func timeOf(part func(name string) string) (time.Time, bool) {
	number := func(name string) int {
		n, _ := strconv.Atoi(part(name)) // an empty part is 0
		return n
	}
	year, day := number("year"), number("day")
	if len(part("year")) == 2 {
		if year += 1900; year < 1969 {
			year += 100
		}
	}
	month, ok := monthOf(part("month"))
	offset, known := offsetOf(part("zone"))
	h, m, s := number("hour"), number("minute"), number("second")
	midnight := h == 24 && m == 0 && s == 0
	if !ok || !known || h > 23 && !midnight || m > 59 || s > 60 {
		return time.Time{}, false
	}
	if d := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); d.Day() != day || d.Month() != month {
		return time.Time{}, false
	}
	return time.Date(year, month, day, h, m, s, 0, time.UTC).Add(-offset), true
}

// monthOf returns the month of a number, or of the first three letters of an English name.
func monthOf(s string) (time.Month, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return time.Month(n), n >= 1 && n <= 12
	}
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(m.String()[:3], s) {
			return m, true
		}
	}
	return 0, false
}

// zones are the names of RFC 822, section 5, with their hours.
var zones = map[string]int{
	"": 0, "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
	"MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2, "BST": 1,
}

// offsetOf returns the offset of a zone from UTC.
func offsetOf(zone string) (time.Duration, bool) {
	if hours, ok := zones[strings.ToUpper(zone)]; ok {
		return time.Duration(hours) * time.Hour, true
	}
	t, err := time.Parse("-0700", strings.ReplaceAll(zone, ":", ""))
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second, err == nil
}
