package feed

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
)

// media is what Media RSS says about an entry. YouTube writes nothing else.
type media struct {
	title, description string   // HTML
	pictures           []string // the best one first
}

// picture is a picture of Media RSS.
type picture struct {
	url   string
	width int
}

func mediaOf(item *gofeed.Item) (m media) {
	elements := item.Extensions["media"]
	if elements == nil {
		return m
	}
	var contents, thumbnails []picture
	collect(&m, &contents, &thumbnails, elements, 0)
	widest := func(a, b picture) int { return cmp.Compare(b.width, a.width) }
	slices.SortStableFunc(contents, widest)
	slices.SortStableFunc(thumbnails, widest)
	for _, p := range append(contents, thumbnails...) {
		m.pictures = append(m.pictures, p.url)
	}
	return m
}

// collect reads elements of Media RSS, and those in groups and contents.
func collect(m *media, contents, thumbnails *[]picture, elements map[string][]ext.Extension, depth int) {
	for _, t := range elements["title"] {
		m.title = cmp.Or(m.title, mediaText(t))
	}
	for _, t := range elements["description"] {
		m.description = cmp.Or(m.description, mediaText(t))
	}
	for _, t := range elements["thumbnail"] {
		*thumbnails = append(*thumbnails, pictureOf(t))
	}
	for _, c := range elements["content"] {
		if isPicture(c.Attrs["type"], c.Attrs["medium"], c.Attrs["url"]) {
			*contents = append(*contents, pictureOf(c))
		}
	}
	if depth == 2 { // a content in a group
		return
	}
	for _, inner := range slices.Concat(elements["group"], elements["content"]) {
		collect(m, contents, thumbnails, inner.Children, depth+1)
	}
}

func pictureOf(e ext.Extension) picture {
	width, _ := strconv.Atoi(e.Attrs["width"]) // 0 if it is missing
	return picture{e.Attrs["url"], width}
}

// mediaText returns a text as HTML. Its type is plain if it is not given.
func mediaText(e ext.Extension) string {
	if strings.EqualFold(e.Attrs["type"], "html") {
		return e.Value
	}
	return paragraphs(e.Value)
}

// isPicture reports whether a file is a picture, by its type, else its medium, else its name.
func isPicture(mimeType, medium, url string) bool {
	if mimeType != "" || medium != "" {
		return medium == "image" || strings.HasPrefix(strings.ToLower(mimeType), "image")
	}
	url, _, _ = strings.Cut(url, "?")
	return slices.Contains([]string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"}, strings.ToLower(path.Ext(url)))
}
