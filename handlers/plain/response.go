package plain

import (
	"net/http"
	"net/textproto"
	"slices"
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
	head   []byte // the status line and the header lines of the handler
	out    []byte // headRoom bytes for the head, and the body; empty: there is no body
	typed  bool   // the handler has set the type, or an encoding
	dated  bool
	closed bool // the handler wants the connection to be closed
}

const (
	headRoom = 1 << 10  // for a head in front of the body, so that the body is copied once
	keptBody = 16 << 10 // how much memory for a body is kept, in bytes
)

func (w *response) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Later changes of the header have no effect.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.head = append(w.head, "HTTP/1.1 "...)
	w.head = strconv.AppendInt(w.head, int64(status), 10)
	w.head = append(append(append(w.head, ' '), statusText(status)...), "\r\n"...)
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
	w.head = append(append(w.head, key...), ": "...)
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = oneLine.Replace(value)
	}
	w.head = append(append(w.head, textproto.TrimString(value)...), "\r\n"...)
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
	if len(w.out) == 0 && len(b) > 0 {
		w.out = slices.Grow(w.out, headRoom+len(b))[:headRoom]
	}
	w.out = append(w.out, b...)
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
	body := w.out[min(headRoom, len(w.out)):]
	if hasBody(w.status) {
		if !w.typed && len(body) > 0 {
			w.appendField("Content-Type", http.DetectContentType(body))
		}
		w.head = append(w.head, "Content-Length: "...)
		w.head = strconv.AppendInt(w.head, int64(len(body)), 10)
		w.head = append(w.head, "\r\n"...)
	}
	if !w.dated {
		w.head = append(append(append(w.head, "Date: "...), date(now)...), "\r\n"...)
	}
	if closing {
		w.head = append(w.head, "Connection: close\r\n"...)
	}
	w.head = append(w.head, "\r\n"...)
	if len(body) == 0 || len(w.head) > headRoom {
		w.head = append(w.head, body...)
		return w.head
	}
	start := headRoom - len(w.head)
	copy(w.out[start:], w.head)
	return w.out[start:]
}

// reset makes the response ready for the next request. Large memory is released.
func (w *response) reset() {
	clear(w.header)
	header, head, out := w.header, w.head[:0], w.out[:0]
	if cap(head) > keptBody {
		head = nil
	}
	if cap(out) > keptBody {
		out = nil
	}
	*w = response{header: header, head: head, out: out}
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
