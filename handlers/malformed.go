package handlers

import (
	"net/http"
	"net/url"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/connections"
)

// RefuseMalformed is the [connections.Refuser] of both listeners. A script gets its error with
// status 200 here too, if its callback can be read, and an invalid callback is the error. A request
// with a Transfer-Encoding gets no script: its end is ambiguous, as in [API.front].
func (a *API) RefuseMalformed(w http.ResponseWriter, h *http.Request, why connections.Malformed) {
	forbid(w.Header())
	var refusal error = &codes.Refusal{Code: codes.BadRequest, Status: why.Status, Detail: malformedDetail(h, why)}
	if why.Status == http.StatusNotImplemented {
		a.refuseUnread(w, h, refusal)
		return
	}
	r := a.acquireRequest(w, h, "")
	defer r.releaseRequest()
	if err := r.callbackFault(); err != nil {
		refusal = err
	}
	a.fail(r, refusal)
}

// malformedReasons says what net/http says, as a response does.
var malformedReasons = map[string]string{
	"missing required Host header": "the header Host is missing",
	"malformed Host header":        "the header Host is not a host name",
	"invalid header name":          "a header's name has an invalid character",
	"invalid header value":         "a header's value has an invalid character",
	"unsupported protocol version": "the protocol must be HTTP/1.1",
}

// malformedDetail says what is wrong with a malformed request.
func malformedDetail(h *http.Request, why connections.Malformed) string {
	switch why.Status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return "the URL and the headers are larger than 16 KiB: send long parameters as a form"
	case http.StatusNotImplemented:
		return "the body must have a Content-Length; Transfer-Encoding is not supported"
	case http.StatusExpectationFailed:
		return "the header Expect must be 100-continue"
	}
	if detail, known := malformedReasons[why.Reason]; known {
		return detail
	}
	if _, err := url.PathUnescape(h.URL.RawPath); err != nil {
		return "the URL's path has a percent sign that is not followed by two hexadecimal digits"
	}
	return "the request line or a header is malformed"
}
