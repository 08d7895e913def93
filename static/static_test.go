package static_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/static"
)

const publicURL = "https://api.example"

type item struct {
	ID         string `json:"id"`
	Collection string `json:"collection"`
	Title      string `json:"title"`
	Summary    string `json:"summary"`
	Body       string `json:"body"`
	Image      string `json:"image"`
	URL        string `json:"url"`
	Tags       []string
	Attributes struct {
		Neighbours []string `json:"neighbours"`
		Countries  []string `json:"countries"`
	} `json:"attributes"`
	PublishedAt time.Time `json:"published_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// TestDemoCorpusIsComplete checks the number of items, and that each has its fields.
func TestDemoCorpusIsComplete(t *testing.T) {
	items := corpus(t)
	if n := len(items); n < 200 || n > 300 {
		t.Errorf("%d items, want 200 to 300", n)
	}
	collections := map[string]int{}
	for id, it := range items {
		collections[it.Collection]++
		if it.Title == "" || it.Summary == "" || it.Collection == "" || !strings.HasPrefix(it.Body, "<p>") {
			t.Errorf("%s lacks title, summary, collection or body", id)
		}
		if it.PublishedAt.IsZero() || it.UpdatedAt.Before(it.PublishedAt) {
			t.Errorf("%s: published %v, updated %v", id, it.PublishedAt, it.UpdatedAt)
		}
	}
	if len(collections) < 8 {
		t.Errorf("collections: %v", collections)
	}
}

// TestDemoLinks checks that every link of a body, and every id in an attribute, leads to an item.
// If one country is a neighbour of another, the reverse must be true too.
func TestDemoLinks(t *testing.T) {
	items := corpus(t)
	urls := map[string]bool{}
	for _, it := range items {
		urls[it.URL] = it.URL != ""
	}
	href := regexp.MustCompile(`href="([^"]*)"`)
	links := 0
	for id, it := range items {
		for _, m := range href.FindAllStringSubmatch(it.Body, -1) {
			if links++; !urls[m[1]] {
				t.Errorf("%s links to %s, which is not an item", id, m[1])
			}
		}
		for _, n := range it.Attributes.Neighbours {
			if !slices.Contains(items[n].Attributes.Neighbours, id) {
				t.Errorf("%s has the neighbour %s, but the reverse is missing", id, n)
			}
		}
		for _, c := range it.Attributes.Countries {
			if items[c].ID == "" {
				t.Errorf("%s names %s, which is not an item", id, c)
			}
		}
	}
	if links < 1000 {
		t.Errorf("found %d links, want 1000 or more", links)
	}
}

// TestDemoPictures checks that every item has a picture and every picture an item, and that
// pictures are safe to show on any page.
func TestDemoPictures(t *testing.T) {
	used := map[string]bool{}
	for id, it := range corpus(t) {
		name, ok := strings.CutPrefix(it.Image, publicURL+"/")
		if _, err := fs.Stat(static.Files(), name); !ok || err != nil {
			t.Errorf("%s: picture %q: %v", id, it.Image, err)
		}
		used[path.Base(name)] = true
	}
	entries, err := fs.ReadDir(static.Files(), "demo/media")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, e := range entries {
		svg, err := fs.ReadFile(static.Files(), "demo/media/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if total += len(svg); !used[e.Name()] {
			t.Errorf("no item uses %s", e.Name())
		}
		if err := checkSVG(svg); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
	if total > 1<<20 {
		t.Errorf("the pictures have %d bytes, want at most 1 MiB", total)
	}
}

// checkSVG returns an error unless a picture is XML that runs no script and loads nothing.
func checkSVG(svg []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		tok, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if slices.Contains([]string{"script", "foreignObject", "image", "style", "a"}, start.Name.Local) {
			return errors.New("contains the element " + start.Name.Local)
		}
		for _, a := range start.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
				return errors.New("contains the attribute " + a.Name.Local + "=" + a.Value)
			}
		}
	}
}

// corpus returns the demo's items by id. It fails the test if a line is not an item, or an id is
// invalid or a duplicate.
func corpus(t *testing.T) map[string]item {
	t.Helper()
	ids := regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
	items := map[string]item{}
	d := json.NewDecoder(static.DemoCorpus(publicURL))
	for d.More() {
		var it item
		if err := d.Decode(&it); err != nil {
			t.Fatalf("item %d: %v", len(items)+1, err)
		}
		if !ids.MatchString(it.ID) || items[it.ID].ID != "" {
			t.Errorf("id %q is invalid or a duplicate", it.ID)
		}
		items[it.ID] = it
	}
	return items
}
