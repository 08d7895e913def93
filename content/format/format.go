// Package format says what a file contains: in which encoding it is, and in which format. A name's
// ending is only a hint, because feeds are saved as .txt, lines as .json, and tables without any.
package format

import (
	"bufio"
	"bytes"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The formats. Unknown is the zero value.
const (
	Unknown  = ""
	JSON     = "jsonl" // lines, a list, or a list in an object
	CSV      = "csv"
	Markdown = "markdown"
	Feed     = "feed"
)

// List names the formats for messages.
const List = "jsonl, csv, markdown or feed"

// headLen is how many bytes decide.
const headLen = 4096

// Guess returns the format of a file with that name. It reads ahead, and consumes nothing. The text
// must be UTF-8: see [UTF8].
func Guess(name string, r *bufio.Reader) string {
	start, _ := r.Peek(headLen) // or fewer
	byName := byEnding(name)
	if byName == Markdown { // which may begin with anything
		return Markdown
	}
	start = bytes.TrimSpace(start)
	switch first := firstByte(start); {
	case first == '<':
		return Feed
	case first == '{' && isJSONFeed(start), first == '{' && byName == Feed:
		return Feed
	case first == '{', first == '[':
		return JSON
	case byName != Unknown:
		return byName
	case first == 0: // an empty file has no items
		return JSON
	case bytes.HasPrefix(start, []byte("---")), bytes.HasPrefix(start, []byte("+++")):
		return Markdown
	case isTable(start):
		return CSV
	}
	return Unknown
}

// byEnding returns the format that the ending of a name means.
func byEnding(name string) string {
	if IsMarkdown(name) {
		return Markdown
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonl", ".ndjson", ".json":
		return JSON
	case ".csv", ".tsv", ".tab":
		return CSV
	case ".rss", ".atom", ".xml", ".rdf":
		return Feed
	}
	return Unknown
}

// IsMarkdown reports whether the ending of a name is that of Markdown.
func IsMarkdown(name string) bool {
	return slices.Contains([]string{".md", ".markdown", ".mkd", ".mdown"}, strings.ToLower(path.Ext(name)))
}

func firstByte(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// isJSONFeed reports whether a JSON object names the version of JSON Feed. Some programs escape the
// slashes.
func isJSONFeed(start []byte) bool {
	return bytes.Contains(bytes.ReplaceAll(start, []byte(`\/`), []byte("/")), []byte("://jsonfeed.org/version/"))
}

// isTable reports whether the first line names columns, or a separator as Excel does.
func isTable(start []byte) bool {
	line := start
	if i := bytes.IndexAny(start, "\r\n"); i >= 0 {
		line = start[:i]
	}
	line = bytes.ToLower(line)
	return bytes.HasPrefix(line, []byte("sep=")) ||
		bytes.Contains(line, []byte("id")) && bytes.ContainsAny(line, ",;\t")
}

// UTF8 returns a reader of the text in UTF-8, without a byte order mark. UTF-16, which Excel calls
// "Unicode text", is recognised by its mark, or by the zero byte next to the first character.
func UTF8(r *bufio.Reader) *bufio.Reader {
	start, _ := r.Peek(3)
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(start, []byte("\ufeff")):
		_, _ = r.Discard(3) // Peek has read them
		return r
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), len(start) > 1 && start[0] != 0 && start[1] == 0:
	case bytes.HasPrefix(start, []byte{0xfe, 0xff}), len(start) > 1 && start[0] == 0 && start[1] != 0:
		order = unicode.BigEndian
	default:
		return r
	}
	decoder := unicode.UTF16(order, unicode.UseBOM).NewDecoder()
	return bufio.NewReaderSize(transform.NewReader(r, decoder), 64<<10)
}
