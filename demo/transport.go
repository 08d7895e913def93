package demo

import (
	"bytes"
	"io"
	"net/http"
)

// HandlerTransport returns a transport that calls a handler of this process, as if over a
// connection from the address from ("203.0.113.9:4711"). The demo can show a caller at another
// address without a second machine or a trusted proxy.
func HandlerTransport(h http.Handler, from string) http.RoundTripper {
	return handlerTransport{h, from}
}

type handlerTransport struct {
	handler http.Handler
	from    string
}

// RoundTrip returns when the handler returns. It does not recover a panic of the handler.
func (t handlerTransport) RoundTrip(out *http.Request) (*http.Response, error) {
	in := out.Clone(out.Context())
	in.RemoteAddr, in.RequestURI, in.Host = t.from, out.URL.RequestURI(), out.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	got := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(got, in)
	if err := out.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: got.status, Header: got.header, Request: out, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(got.body.Len()), Body: io.NopCloser(&got.body)}, nil
}

// recorder stores the response that a handler writes.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}
