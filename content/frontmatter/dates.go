package frontmatter

import (
	"strings"
	"time"
)

// layouts are the forms of dates that the programs document, each with and without a zone. Without
// one, it is UTC.
var layouts = dateLayouts()

func dateLayouts() (all []string) {
	days := []string{"2006-1-2", "2006/1/2"}
	for _, day := range days {
		all = append(all, day)
		for _, between := range []string{"T", " "} {
			for _, clock := range []string{"15:04:05", "15:04"} { // fractions are parsed too
				for _, zone := range []string{"", "Z07:00", "-0700", " Z07:00", " -0700", " MST"} {
					all = append(all, day+between+clock+zone)
				}
			}
		}
	}
	return append(all, "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", time.RFC1123Z)
}

// parseDate parses a day or a time.
func parseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	for _, layout := range layouts {
		t, err := time.Parse(layout, s)
		if err == nil && !(strings.HasSuffix(layout, "MST") && t.Location().String() != "UTC" && t.Location().String() != "GMT") {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// date returns the date of a value.
func date(v any) (time.Time, bool) {
	s, ok := v.(Scalar)
	if t, isTime := s.Value.(time.Time); isTime {
		return t.UTC(), true
	}
	if _, isText := s.Value.(string); !ok || !isText {
		return time.Time{}, false
	}
	return parseDate(s.Text)
}
