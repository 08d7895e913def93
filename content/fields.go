package content

import (
	"fmt"
	"strings"
	"time"
)

// members are the names of an item's fields in files and in the API.
var members = []string{"id", "collection", "title", "summary", "body", "image", "url", "tags", "attributes", "published_at", "updated_at"}

// set sets a field that has a text. known reports whether there is such a field.
func set(it *Item, name, value string) (known bool, err error) {
	switch name {
	case "id":
		it.ID = value
	case "collection":
		it.Collection = value
	case "title":
		it.Title = value
	case "summary":
		it.Summary = value
	case "body":
		it.Body = value
	case "image":
		it.Image = value
	case "url":
		it.URL = value
	case "published_at":
		it.PublishedAt, err = parseDate(name, value)
	case "updated_at":
		it.UpdatedAt, err = parseDate(name, value)
	default:
		return false, nil
	}
	return true, err
}

// parseDate parses a time (RFC 3339) or a day, which begins at midnight UTC. An empty text is the
// zero time.
func parseDate(field, s string) (t time.Time, err error) {
	if s = strings.TrimSpace(s); s == "" {
		return t, nil
	}
	if len(s) == len(time.DateOnly) {
		t, err = time.Parse(time.DateOnly, s)
	} else {
		err = t.UnmarshalText([]byte(s)) // stricter than time.Parse
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %s: must be a date such as 2024-05-06 or 2024-05-06T07:08:09Z", field, quote(s))
	}
	return t, nil
}
