package content

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"stile.example/stile/content/fetch"
	"stile.example/stile/content/format"
)

// Format is the format of a source. Auto detects it by the name or the first bytes.
type Format string

// The formats.
const (
	Auto     Format = format.Unknown
	JSONL    Format = format.JSON
	CSV      Format = format.CSV
	Markdown Format = format.Markdown
	Feed     Format = format.Feed
)

// ParseFormat parses the name of a format on a command line. A list in JSON is read as lines are.
func ParseFormat(s string) (Format, error) {
	if s == "json" {
		return JSONL, nil
	}
	if f := Format(s); slices.Contains([]Format{Auto, JSONL, CSV, Markdown, Feed}, f) {
		return f, nil
	}
	return Auto, fmt.Errorf("format %s: must be %s", quote(s), format.List)
}

// input is an open source.
type input struct {
	records iter.Seq[record]
	read    atomic.Int64 // bytes so far
	size    int64        // 0: unknown
	now     time.Time    // decides what is published; zero: everything
	folder  bool         // each record is in a file of its own
	close   func() error
}

func open(ctx context.Context, src Source) (*input, error) {
	switch {
	case len(src.Exclude) > 0 && !isFolder(src):
		return nil, fmt.Errorf("%s is not a folder: names can be excluded from folders only", src.Path)
	case src.Reader != nil:
		return openStream(src, src.Path, io.NopCloser(src.Reader), 0)
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
		return openStream(src, src.Path, f, info.Size())
	case src.Format != Auto && src.Format != Markdown:
		return nil, errors.Join(fmt.Errorf("%s is a folder: must be imported as markdown, not as %s", src.Path, src.Format), f.Close())
	}
	return openFolder(ctx, src, f.Close())
}

// isFolder reports whether a source is a folder, or can't be found.
func isFolder(src Source) bool {
	if src.Reader != nil || isAddress(src.Path) {
		return false
	}
	info, err := os.Stat(src.Path)
	return err != nil || info.IsDir()
}

// openAddress fetches a feed, or another file, over http or https.
func openAddress(ctx context.Context, src Source) (*input, error) {
	f, err := fetch.Get(ctx, src.Path)
	if err != nil {
		return nil, err
	}
	src.Path = fetch.Redacted(src.Path)
	return openStream(src, f.URL, f, f.Size)
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// openStream reads one file. base is its URL or path.
func openStream(src Source, base string, rc io.ReadCloser, size int64) (*input, error) {
	in := &input{size: size, now: src.Now, close: rc.Close}
	r := format.UTF8(bufio.NewReaderSize(&counter{rc, &in.read}, 64<<10))
	f := src.Format
	if f == Auto {
		f = Format(format.Guess(base, r))
	}
	switch f {
	case JSONL:
		in.records = jsonRecords(src.Path, r)
	case CSV:
		in.records = csvRecords(src.Path, r)
	case Markdown:
		in.records = one(oneMarkdown(in, src.Path, r))
	case Feed:
		in.records = feedItems(src.Path, base, r)
	default:
		return nil, errors.Join(fmt.Errorf("%s: unknown format; name it (--format %s)", src.Path, format.List), rc.Close())
	}
	return in, nil
}

func one(r record) iter.Seq[record] {
	return func(yield func(record) bool) { yield(r) }
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
