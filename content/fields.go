package content

import (
	"fmt"
	"strings"
	"time"
)

// members are the names of an item's fields, as files and the API spell them.
var members = []string{"id", "collection", "title", "summary", "body", "image", "url", "tags", "attributes", "published_at", "updated_at"}

// set puts a text into the field of that name; known says that there is such
// a field and that it takes a text.
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

// parseDate reads a time (RFC 3339) or a day, which begins at midnight UTC.
// No text is no date.
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
		return time.Time{}, fmt.Errorf("%s %s is no date: write it as 2024-05-06 or 2024-05-06T07:08:09Z", field, quote(s))
	}
	return t, nil
}
