package content

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Format is the format of a source. Auto detects it by the name or the first bytes.
type Format string

// The formats.
const (
	Auto     Format = ""
	JSONL    Format = "jsonl"
	CSV      Format = "csv"
	Markdown Format = "markdown"
	Feed     Format = "feed"
)

// ParseFormat parses the name of a format on a command line.
func ParseFormat(s string) (Format, error) {
	if f := Format(s); slices.Contains([]Format{Auto, JSONL, CSV, Markdown, Feed}, f) {
		return f, nil
	}
	return Auto, fmt.Errorf("format %s: must be jsonl, csv, markdown or feed", quote(s))
}

// input is an open source.
type input struct {
	records func(context.Context) iter.Seq[record]
	read    atomic.Int64 // bytes so far
	size    int64        // 0: unknown
	now     time.Time    // decides what is published; zero: everything
	folder  bool         // each record is in a file of its own
	close   func() error
}

func open(ctx context.Context, src Source) (*input, error) {
	switch {
	case src.Reader != nil:
		return openStream(src.Path, src.Path, io.NopCloser(src.Reader), 0, src.Format)
	case isAddress(src.Path):
		return openAddress(ctx, src)
	}
	f, err := os.Open(src.Path)
	if err != nil {
		return nil, err // it contains "open" and the path
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, errors.Join(err, f.Close())
	case !info.IsDir():
		return openStream(src.Path, src.Path, f, info.Size(), src.Format)
	case src.Format != Auto && src.Format != Markdown:
		return nil, errors.Join(fmt.Errorf("%s is a folder: must be imported as markdown, not as %s", src.Path, src.Format), f.Close())
	}
	return openFolder(ctx, src, f.Close())
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// openStream reads one file, in UTF-8 with or without a byte order mark. Messages call it file.
// base is its URL, or "".
func openStream(file, base string, rc io.ReadCloser, size int64, f Format) (*input, error) {
	in := &input{size: size, close: rc.Close}
	r := bufio.NewReaderSize(&counter{rc, &in.read}, 64<<10)
	if start, _ := r.Peek(3); bytes.Equal(start, []byte("\ufeff")) {
		_, _ = r.Discard(3) // Peek has read them
	}
	if f == Auto {
		f = guess(base, r)
	}
	switch f {
	case JSONL:
		in.records = func(context.Context) iter.Seq[record] { return jsonLines(file, r) }
	case CSV:
		in.records = func(context.Context) iter.Seq[record] { return csvRecords(file, r) }
	case Markdown:
		in.records = func(context.Context) iter.Seq[record] { return one(oneMarkdown(in, file, r)) }
	case Feed:
		in.records = func(context.Context) iter.Seq[record] { return feedItems(file, base, r) }
	default:
		return nil, errors.Join(fmt.Errorf("%s: unknown format; name it (jsonl, csv, markdown or feed)", file), rc.Close())
	}
	return in, nil
}

func one(r record) iter.Seq[record] {
	return func(yield func(record) bool) { yield(r) }
}

// guess detects the format by the extension, else by the first bytes.
func guess(name string, r *bufio.Reader) Format {
	switch strings.ToLower(path.Ext(name)) {
	case ".jsonl", ".ndjson":
		return JSONL
	case ".csv":
		return CSV
	case ".md", ".markdown":
		return Markdown
	case ".rss", ".atom", ".xml":
		return Feed
	}
	start, _ := r.Peek(4096) // or fewer
	start = bytes.TrimSpace(start)
	first, _, _ := bytes.Cut(start, []byte("\n"))
	switch {
	case bytes.HasPrefix(start, []byte("<")), bytes.HasPrefix(start, []byte("{")) && bytes.Contains(start, []byte("://jsonfeed.org/version/")):
		return Feed
	case bytes.HasPrefix(start, []byte("{")), len(start) == 0:
		return JSONL
	case bytes.HasPrefix(start, []byte("---")), bytes.HasPrefix(start, []byte("+++")):
		return Markdown
	case bytes.Contains(first, []byte("id")) && bytes.Contains(first, []byte(",")):
		return CSV
	}
	return Auto
}

// counter counts the bytes that are read.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
