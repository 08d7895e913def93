package plain

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// answers are handlers whose responses must be equal, but for the order of the headers.
var answers = map[string]http.HandlerFunc{
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"text":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
	"two":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hel"); io.WriteString(w, "lo") },
	"html":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
	"empty":   func(w http.ResponseWriter, _ *http.Request) { w.Write(nil) },
	"status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
	"odd":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299); io.WriteString(w, "x") },
	"204":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); io.WriteString(w, "x") },
	"304": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Type", "a/b", "Etag", `"x"`)
		w.WriteHeader(304)
	},
	"twice":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); w.WriteHeader(200) },
	"late":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); set(w, "X-Late", "x") },
	"later":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x"); set(w, "X-Late", "x") },
	"headers":   func(w http.ResponseWriter, _ *http.Request) { set(w, "X-A", "1", "x-b", " 2\t", "X-C", "") },
	"lines":     func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-A"] = []string{"1", "2"} },
	"no lines":  func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-A"] = nil },
	"injection": func(w http.ResponseWriter, _ *http.Request) { set(w, "X-A", "1\r\nX-B: 2\n") },
	"bad name":  func(w http.ResponseWriter, _ *http.Request) { w.Header()["X A:"] = []string{"1"} },
	"raw name":  func(w http.ResponseWriter, _ *http.Request) { w.Header()["x_a.b"] = []string{"1"} },
	"no name":   func(w http.ResponseWriter, _ *http.Request) { w.Header()[""] = []string{"1"} },
	"type":      func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Type", "a/b"); io.WriteString(w, "x") },
	"no type":   func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; io.WriteString(w, "x") },
	"encoded":   func(w http.ResponseWriter, _ *http.Request) { set(w, "Content-Encoding", "br"); io.WriteString(w, "x") },
	"length": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Length", "5")
		io.WriteString(w, "hello")
	},
	"large": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "Content-Length", strconv.Itoa(300_000))
		w.Write(bytes.Repeat([]byte("x"), 300_000))
	},
	"long head": func(w http.ResponseWriter, _ *http.Request) {
		set(w, "X-A", strings.Repeat("a", headRoom))
		io.WriteString(w, "hello")
	},
	"closes":     func(w http.ResponseWriter, _ *http.Request) { set(w, "Connection", "close"); io.WriteString(w, "x") },
	"keeps open": func(w http.ResponseWriter, _ *http.Request) { set(w, "Connection", "keep-alive") },
	"date":       func(w http.ResponseWriter, _ *http.Request) { set(w, "Date", "Thu, 01 Jan 1970 00:00:00 GMT") },
	"no date":    func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
	"aborts":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"panics":     func(http.ResponseWriter, *http.Request) { panic("a fault") },
}

func set(w http.ResponseWriter, pairs ...string) {
	for pair := range slices.Chunk(pairs, 2) {
		w.Header().Set(pair[0], pair[1])
	}
}

// get is a plain request.
func get(path string) string { return "GET /v1/" + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

// responsesIn parses what a server has written.
func responsesIn(t *testing.T, b []byte) (found []*http.Response, bodies []string) {
	in := bufio.NewReader(bytes.NewReader(b))
	for {
		if _, err := in.Peek(1); err != nil {
			return found, bodies
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if date := res.Header.Get("Date"); date != "" && date[:3] != "Thu" {
			if _, err := time.Parse(http.TimeFormat, date); err != nil {
				t.Error(err)
			}
			res.Header.Set("Date", "now")
		}
		found, bodies = append(found, res), append(bodies, string(body))
	}
}

// TestResponses compares the responses of both servers, on a connection with two requests.
func TestResponses(t *testing.T) {
	ours, netHTTP := both(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[strings.ReplaceAll(r.URL.Path[len("/v1/"):], "-", " ")](w, r)
	}))
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		sent := []byte(get(strings.ReplaceAll(name, " ", "-")) + get("text"))
		a, b := ours.exchange(sent), netHTTP.exchange(sent)
		got, gotBodies := responsesIn(t, a)
		want, wantBodies := responsesIn(t, b)
		if len(got) != len(want) {
			t.Errorf("%s: %q\nnet/http: %q", name, a, b)
			continue
		}
		for i := range got {
			if got[i].Status != want[i].Status || !reflect.DeepEqual(got[i].Header, want[i].Header) || got[i].Close != want[i].Close ||
				got[i].ContentLength != want[i].ContentLength || gotBodies[i] != wantBodies[i] {
				t.Errorf("%s, response %d: %q\nnet/http: %q", name, i+1, a, b)
			}
		}
	}
}

// TestLengthIsKnown checks the one difference: a body whose length a handler does not set has one
// here, where net/http would send it in chunks.
func TestLengthIsKnown(t *testing.T) {
	body := strings.Repeat("x", 5000)
	ours, netHTTP := both(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
	got, gotBodies := responsesIn(t, ours.exchange([]byte(get(""))))
	want, wantBodies := responsesIn(t, netHTTP.exchange([]byte(get(""))))
	if got[0].ContentLength != 5000 || len(want[0].TransferEncoding) != 1 || gotBodies[0] != body || wantBodies[0] != body {
		t.Errorf("%+v %+v", got[0], want[0])
	}
}

// TestResponsesDoNotMix checks that nothing of a response is in the next one, which uses the same
// memory.
func TestResponsesDoNotMix(t *testing.T) {
	ours, _ := both(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/first" {
			set(w, "X-Secret", "x", "Content-Type", "a/b")
			w.WriteHeader(418)
			io.WriteString(w, strings.Repeat("secret", 10_000))
		}
	}))
	for range 100 {
		out := ours.exchange([]byte(get("first") + get("second")))
		found, bodies := responsesIn(t, out)
		if len(found) != 2 || found[1].StatusCode != 200 || len(found[1].Header) != 2 || bodies[1] != "" {
			t.Fatalf("%q", out[max(0, len(out)-200):])
		}
	}
}
