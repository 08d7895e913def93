package options

import (
	"fmt"
	"net/url"
	"strings"
)

// The placeholders of a URL.
const (
	idPlace         = "{id}"
	collectionPlace = "{collection}"
)

// maxURL keeps the URL of an item with the longest id and collection shorter than 2,048 bytes, the
// maximum in package content.
const maxURL = 300 // bytes

func checkURL(s string) error {
	if len(s) > maxURL {
		return fmt.Errorf("url: must be at most %d bytes, not %d", maxURL, len(s))
	}
	filled := URLOf(s, "id", "collection")
	u, err := url.Parse(filled)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !isVisibleASCII(s):
		return fmt.Errorf("url %q: must be an http:// or https:// URL, such as https://publisher.example/{id}", s)
	case strings.Count(s, idPlace) != 1 || strings.Count(s, collectionPlace) > 1:
		return fmt.Errorf("url %q: must contain {id} once, and {collection} at most once", s)
	case strings.ContainsAny(filled, "{}"):
		return fmt.Errorf("url %q: {id} and {collection} are the only placeholders", s)
	case !strings.HasPrefix(strings.ToLower(s), strings.ToLower(u.Scheme+"://"+u.Host)) || u.User != nil:
		return fmt.Errorf("url %q: must not have a placeholder or a password in the host", s)
	}
	return nil
}

// URLOf returns the URL of an item. The placeholders {id} and {collection} are replaced, in percent
// encoding. Without a template, there is no URL.
func URLOf(template, id, collection string) string {
	if template == "" {
		return ""
	}
	return strings.NewReplacer(idPlace, url.PathEscape(id), collectionPlace, escape(collection)).Replace(template)
}

// escape encodes what would have a meaning in a path or a query.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func isVisibleASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
