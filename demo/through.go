package demo

import (
	"bytes"
	"io"
	"net/http"
)

// Through reaches a handler of this process, in the same way as over a
// connection from the address from ("203.0.113.9:4711"). So the demo shows a
// caller from elsewhere without a second machine, and without a proxy whose
// word would have to be trusted.
func Through(h http.Handler, from string) http.RoundTripper { return through{h, from} }

type through struct {
	handler http.Handler
	from    string
}

// RoundTrip returns when the handler does. A panic of the handler is the
// caller's.
func (t through) RoundTrip(out *http.Request) (*http.Response, error) {
	in := out.Clone(out.Context())
	in.RemoteAddr, in.RequestURI, in.Host = t.from, out.URL.RequestURI(), out.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	got := &recorded{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(got, in)
	if err := out.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: got.status, Header: got.header, Request: out, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(got.body.Len()), Body: io.NopCloser(&got.body)}, nil
}

// recorded is an answer as it was written.
type recorded struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header { return r.header }

func (r *recorded) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorded) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}
