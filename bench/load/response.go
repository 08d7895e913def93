package load

import (
	"bytes"
	"errors"
	"fmt"
)

// responseSize checks the response with which in begins, and returns its size. It returns 0 if the
// response is not complete yet. A response must have the status 200 and a Content-Length, and its
// body must begin with want.
func responseSize(in, want []byte) (int, error) {
	end := bytes.Index(in, []byte("\r\n\r\n"))
	if end < 0 {
		if len(in) > maxHeader {
			return 0, fmt.Errorf("a header of more than %d bytes", maxHeader)
		}
		return 0, nil
	}
	head, body := in[:end+2], in[end+4:]
	length, err := contentLength(head)
	if err != nil {
		return 0, fmt.Errorf("%w: %.300q", err, in)
	}
	if len(body) < length {
		return 0, nil
	}
	switch body = body[:length]; {
	case !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")):
		return 0, fmt.Errorf("unexpected status: %.300q", in)
	case !bytes.HasPrefix(body, want):
		return 0, fmt.Errorf("unexpected body: %.300q, which must begin with %.300q", body, want)
	}
	return end + 4 + length, nil
}

const (
	maxHeader = 16 << 10
	maxBody   = 1 << 24
)

// contentLength returns the value of the one Content-Length in a header.
func contentLength(head []byte) (int, error) {
	const name = "content-length:" // HAProxy sends names in lower case
	found := -1
	for line := range bytes.Lines(head) {
		if len(line) < len(name) || line[0]|0x20 != 'c' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		n := 0
		for _, c := range bytes.TrimSpace(line[len(name):]) {
			if c < '0' || c > '9' || n > maxBody {
				return 0, errors.New("an invalid Content-Length")
			}
			n = 10*n + int(c-'0')
		}
		if found >= 0 {
			return 0, errors.New("more than one Content-Length")
		}
		found = n
	}
	if found < 0 {
		return 0, errors.New("a response without Content-Length")
	}
	return found, nil
}
