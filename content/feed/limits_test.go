package feed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"stile.example/stile/content/feed"
)

const atomStart = "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:x=\"http://www.w3.org/XML/1998/namespace\"\n"

func entry(i int, text string) string {
	return fmt.Sprintf("<entry><id>%d</id><title>t</title>%s</entry>", i, text)
}

func entries(n int, text string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(entry(i, text))
	}
	return b.String()
}

// TestLimits: a base is repeated in each URL that is relative to it, so bases and what they add are
// limited.
func TestLimits(t *testing.T) {
	long, short := "http://h.example/"+strings.Repeat("a", 5000)+"/", "http://h.example/"+strings.Repeat("a", 2000)+"/"
	nested := func(base string, n int) string {
		return `<content type="xhtml">` + strings.Repeat(`<div xml:base="`+base+`">`, n) + `<a href="x">y</a>` + strings.Repeat("</div>", n) + `</content>`
	}
	html := func(n int) string {
		return `<content type="html">` + strings.Repeat("&lt;a href=x&gt;y&lt;/a&gt;", n) + `</content>`
	}
	rss := func(link string) string {
		return "<rss><channel>" + link + "<item><link>x</link></item></channel></rss>"
	}
	const bases, site = "xml:base: must be at most 2048 bytes", "the link of the feed: must be at most 2048 bytes"
	for name, c := range map[string]struct{ source, want string }{
		"base":               {atomStart + `xml:base="` + long + `">` + entry(1, html(1)) + "</feed>", "1: invalid feed: " + bases},
		"base in an entry":   {atomStart + ">\n" + entry(1, "\n<link xml:base='"+long+"' href='x'/>") + "</feed>", "4: invalid feed: " + bases},
		"base, other prefix": {atomStart + `x:base="` + long + `">` + entry(1, html(1)) + "</feed>", "1: invalid feed: " + bases},
		"nested bases":       {atomStart + ">\n" + entry(1, nested(strings.Repeat("a", 500)+"/", 10)) + "</feed>", "3: invalid feed: " + bases},
		"many bases":         {atomStart + ">" + entries(5000, `<link xml:base="`+short+`" href="x"/>`) + "</feed>", "2: invalid feed: " + bases},
		"one base, nested":   {atomStart + ">" + entry(1, nested(short, 3000)) + "</feed>", ""},
		"links":              {atomStart + `xml:base="` + short + `">` + entries(3000, `<link href="x"/>`) + "</feed>", ""},
		"links in texts":     {atomStart + `xml:base="` + short + `">` + entries(50, html(500)) + "</feed>", "2: the feed: must be at most 32 MiB"},
		"link of a channel":  {rss("<link>" + long + "</link>"), site},
		"link to itself":     {rss("<a:link xmlns:a='http://www.w3.org/2005/Atom' rel='self' href='" + long + "'/>"), site},
		"JSON":               {`{"version":"https://jsonfeed.org/version/1","home_page_url":"` + long + `","items":[{"id":"1"}]}`, site},
	} {
		t.Run(name, func(t *testing.T) {
			size := 0
			err := feed.Parse([]byte(c.source), "", func(e feed.Entry) bool {
				size += len(e.Body) + len(e.URL)
				return true
			})
			got := ""
			if e, ok := errors.AsType[feed.Error](err); ok {
				got = fmt.Sprintf("%d: ", e.Line)
			}
			if err != nil {
				got += err.Error()
			}
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" || size > 32<<20 {
				t.Errorf("got %q and %d bytes, want %q", got, size, c.want)
			}
		})
	}
}

// TestGrowth: a text does not grow by more than an item may have.
func TestGrowth(t *testing.T) {
	source := atomStart + `xml:base="http://h.example/` + strings.Repeat("a", 2000) + `/">` + entry(1, `<content type="html">`+strings.Repeat("&lt;img src=x&gt;", 5000)+"</content>") + "</feed>"
	err := feed.Parse([]byte(source), "", func(e feed.Entry) bool {
		if n := len(e.Body); n < 1<<20 || n > 2<<20 {
			t.Errorf("%d bytes", n)
		}
		return true
	})
	if err != nil {
		t.Error(err)
	}
}
