package plain

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/handlers/connections"
)

const example = "GET /v1/items/a.b_c~d:e@f-9?q=a%20b&callback=cb HTTP/1.1\r\nHost: example.org:8080\r\nUser-Agent: x (y; z)\r\naccept: */*\r\nConnection: Keep-Alive\r\n\r\n"

// TestPlainRequests lists heads that are plain. [FuzzParse] compares how they are read.
func TestPlainRequests(t *testing.T) {
	for _, head := range plainHeads {
		if n, v := classify([]byte(head)); v != whole || n != len(head) {
			t.Errorf("%q: %d %d", head, n, v)
		}
		if !parse(head, new(request)) {
			t.Errorf("%q is not plain", head)
		}
	}
}

var plainHeads = []string{
	example,
	"GET /v1/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items? HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
	"GET /v1/items?a=/?:@!$&'()*+,;=\"<>[]^`{|}\\ HTTP/1.1\r\nhost:a\r\n\r\n",
	"GET /v1/../v1//items/./x HTTP/1.1\r\nHost: \t a \t \r\nX-Empty:\r\nCookie: a=b; c=\"d\"\r\n\r\n",
	"GET /v1/items?" + strings.Repeat("x", 8000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /v1/items?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
	"POST /v1/items HTTP/1.1\r\nHost: a\r\ncontent-length: \t65535 \r\n\r\n",
}

// notPlain are requests that look nearly as a plain one, and that net/http must see.
var notPlain = []string{
	"", "\r\n", "\n", "GET", "get /v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"PUT /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	postWith("0"), postWith("05"), postWith("+5"), postWith("-5"), postWith("5, 5"), postWith("0x5"), postWith("5 " + "5"), postWith(""), postWith("1_0"),
	postWith("65536"), postWith("99999999999999999999"), postWith("5\r\nContent-Length: 5"), postWith("5\r\nContent-Length: 6"),
	postWith("5\r\nTransfer-Encoding: chunked"), postWith("5\r\nExpect: 100-continue"), postWith("5\r\nConnection: close"),
	"POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
	"POST  /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"\r\nGET /v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET  /v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items  HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items\tHTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/1.0\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/1.2\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/2.0\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/1.1 \r\nHost: a\r\n\r\n",
	"GET /v1/items\r\nHost: a\r\n\r\n",
	"GET /v1/items/%61 HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items/é HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items/a;b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items?a#b HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items?a=é HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v2/items HTTP/1.1\r\nHost: a\r\n\r\n", "GET /widgets/v1/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET http://a/v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET //v1/items HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/1.1\nHost: a\n\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\n\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost:\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a/b\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a@b\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost : a\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\n Host: a\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX_Y: z\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: é\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\n\r\nhello",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\ntRANSFER-eNCODING: identity\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nHTTP2-Settings: x\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nTrailer: X\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\nConnection:\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X", 1) + ": " + strings.Repeat("y", maxSize) + "\r\n\r\n",
	"GET /v1/items HTTP/1.1\r\nHost: a\r\n" + many(maxFields) + "\r\n",
}

// postWith returns a POST with a Content-Length.
func postWith(length string) string {
	return "POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\nhello"
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: y\r\n", i)
	}
	return b.String()
}

// TestOtherRequests checks that what is not exactly plain is handed over.
func TestOtherRequests(t *testing.T) {
	for _, text := range notPlain {
		n, v := classify([]byte(text))
		if v == whole && parse(text[:n], new(request)) {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestClassifyPieces checks that a plain head is recognised in whatever pieces it comes, and that
// each beginning of it may become one.
func TestClassifyPieces(t *testing.T) {
	for end := range len(example) {
		if n, v := classify([]byte(example[:end])); v != partial || n != 0 {
			t.Fatalf("the first %d bytes: %d %d", end, n, v)
		}
	}
	if n, v := classify([]byte(example + "GE")); v != whole || n != len(example) {
		t.Errorf("%d %d", n, v)
	}
	for _, bad := range []string{"X", "GEX", "GET /v1x", "GET /v1/\n", "GET /v1/ HTTP/1.1\r\nX\n", "GET /v1/" + strings.Repeat("x", maxSize)} {
		if _, v := classify([]byte(bad)); v != other {
			t.Errorf("%q may become plain", bad)
		}
	}
}

// read is what a server has read of a request, without what belongs to its connection.
type read struct {
	Method, RequestURI, Proto, Host string
	Major, Minor                    int
	URL                             url.URL
	Header                          http.Header
	Length                          int64
	NoBody, Close, TLS              bool
	Encoding                        []string
	Trailer, Form                   int
	Remote, Body                    string
	Incomplete                      bool
}

// asRead also reads the body.
func asRead(r *http.Request) read {
	body, err := io.ReadAll(r.Body)
	return read{r.Method, r.RequestURI, r.Proto, r.Host, r.ProtoMajor, r.ProtoMinor, *r.URL, r.Header.Clone(), r.ContentLength,
		r.Body == http.NoBody, r.Close, r.TLS != nil, r.TransferEncoding, len(r.Trailer), len(r.Form), r.RemoteAddr, string(body), err != nil}
}

// FuzzRequests gives what a client sends to this server and to net/http. Both must read the same
// requests and bodies, and a head that is taken as plain must be the first of them.
func FuzzRequests(f *testing.F) {
	for _, head := range append(plainHeads, notPlain...) {
		f.Add([]byte(head))
		f.Add([]byte(head + "hello" + get("next")))
	}
	for _, ends := range []string{"\r\n", "\n", "\r\n\r\n", "\r\n\r\n\n", "\r\r\n", "\n\n\n\n"} {
		f.Add([]byte(form("hello") + ends + get("next")))
		f.Add([]byte(form("hello") + ends + form("hello") + get("next") + ends + get("next")))
		f.Add([]byte(form("hello") + ends))
	}
	var got []read
	ours, netHTTP := both(f, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, asRead(r)) }))
	f.Fuzz(func(t *testing.T, sent []byte) {
		got = nil
		ours.exchange(sent)
		here := got
		got = nil
		netHTTP.exchange(sent)
		if !reflect.DeepEqual(here, got) {
			t.Errorf("%q:\n    here %+v\nnet/http %+v", sent, here, got)
		}
	})
}

// FuzzParse gives each head that is taken, followed by its body and another request, to net/http.
// It must read the same request, and continue at the same byte.
func FuzzParse(f *testing.F) {
	for _, text := range append(plainHeads, notPlain...) {
		f.Add([]byte(text))
	}
	var got []read
	record := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, asRead(r)) })
	netHTTP := newExchanger(f, connections.Server(record))
	const next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
	f.Fuzz(func(t *testing.T, b []byte) {
		n, v := classify(b)
		r := &request{Request: http.Request{RemoteAddr: "192.0.2.2:1"}}
		if v != whole || !parse(string(b[:n]), r) {
			return
		}
		sent := string(b[:n]) + strings.Repeat("\n", int(r.ContentLength))
		c := &conn{buf: []byte(sent[:min(len(sent), maxSize)])}
		if isWhole := c.readBody(n, r, time.Time{}); isWhole != (len(sent) <= maxSize) {
			t.Fatalf("%q: %v", b[:n], isWhole)
		} else if !isWhole {
			return
		}
		got = nil
		netHTTP.exchange([]byte(sent + next))
		if len(got) != 2 || got[1].RequestURI != "/next" {
			t.Fatalf("%q: net/http reads %d requests: %+v", b[:n], len(got), got)
		}
		if want := asRead(&r.Request); !reflect.DeepEqual(got[0], want) {
			t.Errorf("%q:\n    here %+v\nnet/http %+v", b[:n], want, got[0])
		}
	})
}

// TestRequestsDoNotMix checks that nothing of a request is in the next one, which uses the same
// memory, and that headers which a handler adds to are its own.
func TestRequestsDoNotMix(t *testing.T) {
	var got []http.Header
	ours, _ := both(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			r.Header[name] = append(r.Header[name], "more")
		}
		got = append(got, r.Header.Clone())
	}))
	many := "GET /v1/a HTTP/1.1\r\nHost: a\r\nX-A: b\r\nX-Secret: secret\r\nAccept: c\r\n\r\n"
	for range 100 {
		got = nil
		ours.exchange([]byte(many + get("b") + "GET /v1/c HTTP/1.1\r\nHost: a\r\nX-B: d\r\nX-C: e\r\n\r\n"))
		want := []http.Header{
			{"X-A": {"b", "more"}, "X-Secret": {"secret", "more"}, "Accept": {"c", "more"}}, {}, {"X-B": {"d", "more"}, "X-C": {"e", "more"}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
