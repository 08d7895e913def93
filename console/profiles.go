package console

import (
	"net/http"
	"net/http/pprof"
	"strings"

	"stile.example/stile/console/caller"
	"stile.example/stile/operations"
)

// profiles serves the profiles of Go's runtime, to owners.
func profiles() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !caller.From(r.Context()).Role.Includes(operations.Owner) {
			http.Error(w, "profiles need the role owner", http.StatusForbidden)
			return
		}
		switch name := strings.TrimPrefix(r.URL.Path, "/debug/pprof/"); name {
		case "cmdline":
			pprof.Cmdline(w, r)
		case "profile":
			pprof.Profile(w, r)
		case "symbol":
			pprof.Symbol(w, r)
		case "trace":
			pprof.Trace(w, r)
		default:
			pprof.Index(w, r)
		}
	})
}
