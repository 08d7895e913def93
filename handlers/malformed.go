package handlers

import (
	"net/http"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/connections"
)

// RefuseMalformed is the [connections.Refuser] of both listeners. A script gets its error with
// status 200 here too, if its callback can be read, and an invalid callback is the error. A request
// with a Transfer-Encoding gets no script: its end is ambiguous, as in [API.front].
func (a *API) RefuseMalformed(w http.ResponseWriter, h *http.Request, why connections.Malformed) {
	forbid(w.Header())
	var refusal error = &codes.Refusal{Code: codes.BadRequest, Status: why.Status, Detail: why.Detail(h)}
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
