package connections

import (
	"io"
	"net/http"
	"time"
)

// Limits of a response that is written by [Steady].
const (
	steadyRate  = 64 << 10        // bytes a second that a client must take on average
	steadyGrace = 9 * time.Second // that it may wait in addition, in all
	preparing   = 5 * time.Minute // that the server may take for its own work
)

// Steady writes a response that may take longer than the limits of [Server], such as a large file.
// The client must take 64 KiB a second on average, or the connection ends. The time that the server
// needs to produce the bytes does not count.
//
// A handler that uses it must also limit how many of these responses a client gets at the same
// time.
type Steady struct {
	w       http.ResponseWriter
	control *http.ResponseController
	rate    int64
	grace   time.Duration
	written int64
	waited  time.Duration // in writes
}

// NewSteady returns a writer for the body of a response. From now on, the deadlines of the request
// don't apply.
func NewSteady(w http.ResponseWriter) *Steady {
	s := &Steady{w: w, control: http.NewResponseController(w), rate: steadyRate, grace: steadyGrace}
	s.until(time.Now().Add(preparing))
	return s
}

// Write writes a part of the body.
func (s *Steady) Write(b []byte) (int, error) {
	start := time.Now()
	left := s.grace + time.Duration((s.written+int64(len(b)))*int64(time.Second)/s.rate) - s.waited
	s.until(start.Add(left))
	n, err := s.w.Write(b)
	s.written += int64(n)
	s.waited += time.Since(start)
	return n, err
}

func (s *Steady) until(t time.Time) { Until(s.control, t.Add(preparing), t) }

// Until sets the deadlines of a request for reading and for writing. While a handler runs, net/http
// reads from the connection to notice that the client is gone: a read deadline that passes cancels
// the request's context, even if only the response takes long.
func Until(c *http.ResponseController, read, write time.Time) {
	_ = c.SetReadDeadline(read) // a listener without deadlines needs none
	_ = c.SetWriteDeadline(write)
}

// bodyWithin is how long a client may take for the next part of a body that [SteadyBody] reads.
const bodyWithin = 9 * time.Second

// SteadyBody returns the body of a request, which must have been authenticated. It may take longer
// than [Server] allows, as long as each part arrives within 9 s. After the body, the handler may
// take 5 minutes.
func SteadyBody(w http.ResponseWriter, body io.ReadCloser) io.ReadCloser {
	return &steadyBody{body, http.NewResponseController(w)}
}

type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (s *steadyBody) Read(p []byte) (int, error) {
	now := time.Now()
	Until(s.control, now.Add(bodyWithin), now.Add(preparing))
	n, err := s.ReadCloser.Read(p)
	if err != nil {
		Until(s.control, time.Now().Add(preparing), time.Now().Add(preparing))
	}
	return n, err
}
