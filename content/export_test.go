package content

import (
	"errors"
	"strings"
	"time"
)

// DecodeMarkdown reads one Markdown file at a time.
func DecodeMarkdown(name, source string, now time.Time) (Item, error) {
	return oneMarkdown(&input{now: now}, name, strings.NewReader(source)).decode()
}

// LineOf returns the line that an error of a record names, or 0.
func LineOf(err error) int {
	at, _ := errors.AsType[atLine](err)
	return at.line
}
