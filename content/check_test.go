package content_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
)

// good returns an item with every field.
func good() content.Item {
	return content.Item{
		ID: "apple-pie_1.0", Collection: "Desserts", Title: "Apple pie", Summary: "A pie.", Body: "<p>A <b>pie</b>.</p>",
		Image: "https://example.org/pie.png", URL: "http://example.org/pie?a=1&b=2", Tags: []string{"sweet", "baked"},
		Attributes:  map[string]any{"minutes": 90.0, "vegan": false, "from": []any{"GB", nil}, "per": map[string]any{"slice": 12.5}},
		PublishedAt: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
	}
}

func TestCheckRefuses(t *testing.T) {
	long := strings.Repeat
	for want, spoil := range map[string]func(*content.Item){
		"id is missing": func(it *content.Item) { it.ID = "" },
		"id: must be at most 128 characters, not 129":              func(it *content.Item) { it.ID = long("a", 129) },
		`id "a b": must contain only`:                              func(it *content.Item) { it.ID = "a b" },
		`id "é": must contain only`:                                func(it *content.Item) { it.ID = "é" },
		"title is missing":                                         func(it *content.Item) { it.Title = " " },
		"title: must be at most 500 characters, not 501":           func(it *content.Item) { it.Title = long("é", 501) },
		"title: must be UTF-8":                                     func(it *content.Item) { it.Title = "caf\xe9" },
		"collection: must be at most 128":                          func(it *content.Item) { it.Collection = long("c", 129) },
		"summary: must be at most 2000":                            func(it *content.Item) { it.Summary = long("s", 2001) },
		"summary: must not have control characters":                func(it *content.Item) { it.Summary = "\x1b[2J" },
		"body: must be at most 409600 bytes":                       func(it *content.Item) { it.Body = long("b", 400<<10+1) },
		`url "javascript:alert(1)": must be an http:`:              func(it *content.Item) { it.URL = "javascript:alert(1)" },
		`url "//example.org/": must be an http:`:                   func(it *content.Item) { it.URL = "//example.org/" },
		`url "http:///x": must be an http:`:                        func(it *content.Item) { it.URL = "http:///x" },
		`url "http://:80/": must be an http:`:                      func(it *content.Item) { it.URL = "http://:80/" },
		`url "http://a b/": must be an http:`:                      func(it *content.Item) { it.URL = "http://a b/" },
		`url "http://a/\n": must be an http:`:                      func(it *content.Item) { it.URL = "http://a/\n" },
		`image "data:image/png;base64,AA": must be an http:`:       func(it *content.Item) { it.Image = "data:image/png;base64,AA" },
		"image: must be at most 2048 bytes":                        func(it *content.Item) { it.Image = "http://a/" + long("i", 2040) },
		"tags: must be at most 64, not 65":                         func(it *content.Item) { it.Tags = make([]string, 65) },
		"tags: must not be empty texts":                            func(it *content.Item) { it.Tags = []string{"a", ""} },
		"tags[1]: must be at most 128 characters":                  func(it *content.Item) { it.Tags = []string{"a", long("t", 129)} },
		"attributes: must be at most 64, not 65":                   func(it *content.Item) { it.Attributes = many(65) },
		"an attribute has no name":                                 func(it *content.Item) { it.Attributes[""] = 1.0 },
		"must be at most 64 characters, not 65":                    func(it *content.Item) { it.Attributes[long("n", 65)] = 1.0 },
		"attribute x: must be a finite number":                     func(it *content.Item) { it.Attributes["x"] = math.Inf(1) },
		"attribute x: browsers round this number":                  func(it *content.Item) { it.Attributes["x"] = 12345678901234567.0 },
		"attribute x: must be a JSON value, not a int":             func(it *content.Item) { it.Attributes["x"] = 1 },
		"attribute x: must be UTF-8":                               func(it *content.Item) { it.Attributes["x"] = []any{"\xff"} },
		"attribute x: must not have lists or objects more":         func(it *content.Item) { it.Attributes["x"] = deep(5) },
		"attributes: must be at most 65536 bytes as JSON":          func(it *content.Item) { it.Attributes["x"] = long("v", 64<<10) },
		"published_at: must have a year from 1 to 9999, not 10000": func(it *content.Item) { it.PublishedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"updated_at: must have a year from 1 to 9999, not 0":       func(it *content.Item) { it.UpdatedAt = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		it := good()
		spoil(&it)
		if err := content.Check(&it); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check = %v, want %s", err, want)
		}
	}
	it := good()
	if it.Attributes["x"] = deep(4); content.Check(&it) != nil {
		t.Errorf("a good item: %v", content.Check(&it))
	}
}

func many(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m[strings.Repeat("n", i%60+1)+string(rune('a'+i/60))] = true
	}
	return m
}

// deep returns n nested lists.
func deep(n int) any {
	var v any = "x"
	for range n {
		v = []any{v}
	}
	return v
}
