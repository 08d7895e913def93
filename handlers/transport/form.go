package transport

import (
	"bytes"
	"errors"
	"mime"
	"net/http"

	"stile.example/stile/handlers/codes"
)

// MaxForm is the maximum size of a form, in bytes.
const MaxForm = 16 << 10

// ReadForm replaces the parameters by those in the body of a POST.
func (r *Request) ReadForm() error {
	switch {
	case r.HTTP.URL.RawQuery != "":
		return codes.Malformed("a POST must have its parameters in its body, and none in its URL")
	case !isForm(r.HTTP.Header.Get("Content-Type")):
		return codes.Malformed("the body of a POST must be application/x-www-form-urlencoded")
	}
	text, err := r.readBody()
	if err != nil {
		return err
	}
	if r.Params, err = parseParams(text, r.paramBuf[:0]); err != nil {
		return err
	}
	if _, n := r.Lookup("callback"); n > 0 {
		return codes.Malformed("callback must not be sent in a POST")
	}
	return nil
}

// readBody reads a form of at most MaxForm bytes.
func (r *Request) readBody() (string, error) {
	b := bytes.NewBuffer(r.body[:0])
	_, err := b.ReadFrom(http.MaxBytesReader(r.W, r.HTTP.Body, MaxForm))
	r.body = b.Bytes()[:0]
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return "", &codes.Refusal{Code: codes.BadRequest, Status: http.StatusRequestEntityTooLarge, Detail: "the body is larger than 16 KiB"}
	}
	if err != nil {
		return "", codes.Malformed("can't read the body")
	}
	return b.String(), nil
}

func isForm(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && t == "application/x-www-form-urlencoded"
}
