package console

import (
	"net/http"
	"net/http/pprof"
	runtimepprof "runtime/pprof"
	"strings"

	"stile.example/stile/console/caller"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

const profilesPath = "/debug/pprof/"

// profiles serves the profiles of Go's runtime, to owners.
func profiles() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !caller.From(r.Context()).Role.Includes(operations.Owner) {
			http.Error(w, "profiles need the role owner", http.StatusForbidden)
			return
		}
		switch name := strings.TrimPrefix(r.URL.Path, profilesPath); name {
		case "cmdline":
			pprof.Cmdline(w, r)
		case "profile":
			pprof.Profile(w, r)
		case "symbol":
			pprof.Symbol(w, r)
		case "trace":
			pprof.Trace(w, r)
		default:
			pprof.Handler(name).ServeHTTP(w, r)
		}
	})
}

const profilesHTML = `<h1>Profiles</h1>
<p>What Go’s runtime measures. Read a file with <code>go tool pprof</code>, or <code>go tool trace</code> for the trace.</p>
{{template "table" .Data}}`

// about says what is in a profile.
var about = map[string]string{
	"allocs":       "All memory that was allocated since the start.",
	"block":        "Waiting for locks and channels. Empty, unless the runtime measures it.",
	"goroutine":    "What each goroutine does now.",
	"heap":         "Memory in use.",
	"mutex":        "Holders of locks that others wait for. Empty, unless the runtime measures it.",
	"profile":      "CPU use within the next 5 s.",
	"threadcreate": "What made the program start threads.",
	"trace":        "All that the runtime does within the next second.",
}

// listProfiles lists the profiles. The page of net/http/pprof has an inline style, which the policy
// of pages forbids.
func listProfiles(*frame.Request) (any, error) {
	t := frame.Table{Caption: "Profiles", Quiet: true, Columns: frame.Columns("Profile", "#Entries", "What it shows", "-As text")}
	t.Columns[2].Wide = true
	row := func(name string, n frame.Cell, query string, text frame.Cell) {
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(name).Link(profilesPath + name + query), n, frame.Text(about[name]), text}})
	}
	for _, p := range runtimepprof.Profiles() {
		row(p.Name(), frame.Num(p.Count()), "", frame.Text("as text").Link(profilesPath+p.Name()+"?debug=1"))
	}
	row("profile", frame.None(), "?seconds=5", frame.Cell{})
	row("trace", frame.None(), "?seconds=1", frame.Cell{})
	return t, nil
}
