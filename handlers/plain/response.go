package plain

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// response is an [http.ResponseWriter] that writes everything at once, when the handler has
// returned. Unlike net/http it always knows the length of the body.
type response struct {
	header http.Header
	status int    // 0: nothing was written
	out    []byte // the status line and the header lines of the handler
	body   []byte
	typed  bool // the handler has set the type, or an encoding
	dated  bool
	closed bool // the handler wants the connection to be closed
}

// keptBody is how much memory for a body a connection keeps, in bytes.
const keptBody = 16 << 10

func (w *response) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Later changes of the header have no effect.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.out = append(w.out, "HTTP/1.1 "...)
	w.out = strconv.AppendInt(w.out, int64(status), 10)
	w.out = append(append(append(w.out, ' '), statusText(status)...), "\r\n"...)
	for key, values := range w.header {
		if w.notes(key, values) {
			for _, v := range values {
				w.appendField(key, v)
			}
		}
	}
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "status code " + strconv.Itoa(status)
}

// notes notes what the handler has set, and reports whether the lines are to be written.
func (w *response) notes(key string, values []string) bool {
	switch key {
	case "Connection":
		w.closed = len(values) > 0 && values[0] == "close"
		return !w.closed // finish adds it
	case "Content-Length":
		return false // it is counted
	case "Content-Type":
		w.typed = true
		return hasBody(w.status)
	case "Content-Encoding":
		w.typed = w.typed || len(values) > 0 && values[0] != ""
	case "Transfer-Encoding", "Trailer":
		return false
	case "Date":
		w.dated = true
	}
	return isName(key)
}

func (w *response) appendField(key, value string) {
	w.out = append(append(w.out, key...), ": "...)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = oneLine.Replace(value)
	}
	w.out = append(append(w.out, textproto.TrimString(value)...), "\r\n"...)
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// isName reports whether a header's name can be written. net/http drops others too.
func isName(key string) bool { return key != "" && all(key, inToken) }

// hasBody reports whether a response has a body (RFC 9110 §6.4.1).
func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// Write implements [http.ResponseWriter].
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !hasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	w.body = append(w.body, b...)
	return len(b), nil
}

// closes reports whether the handler wants the connection to be closed.
func (w *response) closes() bool {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.closed
}

// finish returns the bytes of the response, after closes.
func (w *response) finish(now time.Time, closing bool) []byte {
	if hasBody(w.status) {
		if !w.typed && len(w.body) > 0 {
			w.appendField("Content-Type", http.DetectContentType(w.body))
		}
		w.out = append(w.out, "Content-Length: "...)
		w.out = strconv.AppendInt(w.out, int64(len(w.body)), 10)
		w.out = append(w.out, "\r\n"...)
	}
	if !w.dated {
		w.out = append(append(append(w.out, "Date: "...), date(now)...), "\r\n"...)
	}
	if closing {
		w.out = append(w.out, "Connection: close\r\n"...)
	}
	w.out = append(w.out, "\r\n"...)
	w.out = append(w.out, w.body...)
	return w.out
}

// reset makes the response ready for the next request. Large memory is released.
func (w *response) reset() {
	clear(w.header)
	header, out, body := w.header, w.out[:0], w.body[:0]
	if cap(out) > keptBody {
		out = nil
	}
	if cap(body) > keptBody {
		body = nil
	}
	*w = response{header: header, out: out, body: body}
}

// dateOf is a second and its text for the header Date.
type dateOf struct {
	second int64
	text   string
}

var newestDate atomic.Pointer[dateOf]

// date returns the value of the header Date. Formatting it each time would take 0.2 µs.
func date(now time.Time) string {
	second := now.Unix()
	if d := newestDate.Load(); d != nil && d.second == second {
		return d.text
	}
	d := &dateOf{second, now.UTC().Format(http.TimeFormat)}
	newestDate.Store(d)
	return d.text
}
