package corpus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stile.example/stile/content"
)

// pause is how long a query that timed out is not run again, and how long a page is cached that is
// incomplete for lack of time.
const pause = time.Minute

// cachedPage is a page that was found before. Nobody may change what is in it.
type cachedPage struct {
	page  content.Page
	until time.Time // zero: as long as the file is open
}

// cached returns the cached page of a query, or why the query is not run for some time.
func (c *File) cached(key, identity string) (p content.Page, ok bool, err error) {
	if a, ok := c.pages.Find(key); ok && (a.until.IsZero() || c.isPaused(a.until)) {
		return a.page, true, nil
	}
	if until, ok := c.late.Find(identity); ok && c.isPaused(until) {
		return p, true, fmt.Errorf("timed out within the last minute: %w", context.DeadlineExceeded)
	}
	return p, false, nil
}

// isPaused reports whether a pause lasts until a moment. If the clock was set back, it does not.
func (c *File) isPaused(until time.Time) bool {
	left := until.Sub(c.opt.Now())
	return 0 < left && left <= pause
}

// cachePage caches the page of a query, for a short time if it is a hurried one.
func (c *File) cachePage(key string, p content.Page, hurried bool) {
	a := cachedPage{page: withOwnText(p)}
	if hurried {
		a.until = c.opt.Now().Add(pause)
	}
	c.pages.Keep(key, a, len(key)+sizeOf(p))
}

// withOwnText returns a page whose words and names are copies. Those of a query are parts of a
// request, of which the cache would keep all 8 KiB.
func withOwnText(p content.Page) content.Page {
	p.Corrected, p.Ignored = slices.Clone(p.Corrected), slices.Clone(p.Ignored)
	for i := range p.Corrected {
		p.Corrected[i][0] = strings.Clone(p.Corrected[i][0])
	}
	for i := range p.Ignored {
		p.Ignored[i] = strings.Clone(p.Ignored[i])
	}
	p.Facets, p.Ends = withOwnKeys(p.Facets), withOwnKeys(p.Ends)
	return p
}

func withOwnKeys[V any](m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	own := make(map[string]V, len(m))
	for key, v := range m {
		own[strings.Clone(key)] = v
	}
	return own
}

// sizeOf returns about how many bytes a page takes in memory.
func sizeOf(p content.Page) int {
	n := len(p.Next)
	for _, pair := range p.Corrected {
		n += len(pair[0]) + len(pair[1]) + 32
	}
	for _, word := range p.Ignored {
		n += len(word) + 16
	}
	for _, item := range p.Items {
		n += len(item) + 24
	}
	for name, values := range p.Facets {
		n += len(name)
		for _, v := range values {
			n += len(v.Value) + 24
		}
	}
	return n
}
