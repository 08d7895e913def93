package endpoint

import (
	"cmp"
	"strings"

	"stile.example/stile/content"
)

// The formats of a response.
const (
	JSON   = "json"
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Types has the media type of each format.
var Types = map[string]string{JSON: "application/json", CSV: "text/csv", NDJSON: "application/x-ndjson"}

// ItemTypes has the media types of items to import, and the format that each means.
var ItemTypes = map[string]content.Format{
	"application/x-ndjson": content.JSONL, "application/jsonl": content.JSONL, "application/json": content.JSONL,
	"text/csv": content.CSV, "text/markdown": content.Markdown,
	"application/rss+xml": content.Feed, "application/atom+xml": content.Feed, "application/feed+json": content.Feed,
	"application/octet-stream": content.Auto,
}

// BytesType returns the media type of what an operation writes in a format, and a name for the
// file. If the format is not a field of the operation's input, it is "".
func (e Endpoint) BytesType(format string) (kind, file string) {
	kind = cmp.Or(e.Route.Types[format], e.Route.Type, "application/octet-stream")
	bare, _, _ := strings.Cut(kind, ";")
	endings := map[string]string{Types[NDJSON]: ".ndjson", Types[CSV]: ".csv", Types[JSON]: ".json", "application/x-tar": ".tar", "text/plain": ".txt", "text/html": ".html"}
	return kind, "stile-" + strings.ReplaceAll(e.Name, " ", "-") + endings[bare]
}

// HasOwnFormat reports whether the parameter format is a field of the operation's input, and not
// the format of the response.
func (e Endpoint) HasOwnFormat() bool {
	for _, f := range e.Query {
		if f.Name == "format" {
			return true
		}
	}
	return false
}
