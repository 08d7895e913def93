package content

import (
	"strings"
	"time"
)

// DecodeMarkdown reads one Markdown file at a time.
func DecodeMarkdown(name, source string, now time.Time) (Item, error) {
	return oneMarkdown(&input{now: now}, name, strings.NewReader(source)).decode()
}
