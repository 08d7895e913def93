package feed

import (
	"errors"
	"fmt"
	"net/url"
)

// Limits of what URLs are relative to. Each relative URL is as long as its base when it is
// absolute, and the shortest link takes 14 bytes: without limits, a feed of 400 kB becomes 2 GB.
const (
	maxBase   = 2048     // bytes of an xml:base with those around it, and of a site's URL
	maxBases  = 8 << 20  // bytes of all of them
	maxGrowth = 1 << 20  // bytes that a text may grow by; an item is smaller
	maxTexts  = 32 << 20 // bytes of all entries; a feed has at most 16 MiB
)

// Error is an error on a line of the feed.
type Error struct {
	Line int
	Err  error
}

func (e Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without its line.
func (e Error) Unwrap() error { return e.Err }

var errBase = fmt.Errorf("xml:base: must be at most %d bytes with those around it, and at most %d MiB in a feed", maxBase, maxBases>>20)

// baseBytes returns the size of the base of an element that is its own.
func baseBytes(open []element, e element) int {
	if len(open) > 0 && open[len(open)-1].base == e.base {
		return 0
	}
	return len(e.base)
}

// checkSite refuses a feed that is relative to too long a URL.
func checkSite(bases ...*url.URL) error {
	for _, base := range bases {
		if base != nil && len(base.String()) > maxBase {
			return fmt.Errorf("the link of the feed: must be at most %d bytes", maxBase)
		}
	}
	return nil
}

var errStopped = errors.New("stopped") // the caller wants no more entries

// giver passes entries on, until they are too large together.
type giver struct {
	size int // bytes
	to   func(Entry) bool
}

func (g *giver) give(e Entry) error {
	g.size += len(e.Title) + len(e.Summary) + len(e.Body) + len(e.URL) + len(e.Image)
	if g.size > maxTexts {
		return Error{max(e.Line, 1), fmt.Errorf("the feed: must be at most %d MiB when its links are absolute", maxTexts>>20)}
	}
	if !g.to(e) {
		return errStopped
	}
	return nil
}
