// Package statementpages is the console's pages about statements: the list, a statement with its
// files and its verification, the proof of a line, and the prices of a tenant.
package statementpages

import (
	_ "embed"
	"fmt"
	"net/http"

	"stile.example/stile/console/frame"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	ops "stile.example/stile/operations/statements"
	"stile.example/stile/statements/files"
)

var (
	//go:embed list.html
	listHTML string
	//go:embed statement.html
	statementHTML string
	//go:embed proof.html
	proofHTML string
	//go:embed tenant.html
	tenantHTML string
)

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	page := func(path, title, template string, data func(*frame.Request) (any, error)) {
		f.Page(frame.Page{Path: path, Section: "statements", Role: operations.Viewer, Title: title, Template: template, Data: data})
	}
	page("/statements", "Statements", listHTML, list)
	page("/statements/{client_id}/{month}", "", statementHTML, show)
	page("/statements/{client_id}/{month}/proof", "Proof of a line", proofHTML, prove)
	f.Handle("GET /statements/{client_id}/{month}/{file}", operations.Viewer, export)
	f.Form(frame.Form{Path: "/statements/close", Section: "statements", Role: operations.Operator, Show: closeForm, Do: closeMonths})
	f.Form(frame.Form{Path: "/tenants/{client_id}/price", Section: "tenants", Role: operations.Operator, Show: priceForm, Do: setPrice})
	f.Part(tenantpages.TenantPage, frame.Part{Role: operations.Viewer, Order: 30, Template: tenantHTML, Data: tenantPart})
}

// nameOf returns the statement that a request's path names.
func nameOf(r *frame.Request) ops.Name {
	return ops.Name{Tenant: r.PathValue("client_id"), Month: r.PathValue("month")}
}

func path(tenant, month string, below ...string) string {
	return frame.Path(append([]string{"statements", tenant, month}, below...)...)
}

// export sends a file of a statement: its name is statement.FORMAT.
func export(w http.ResponseWriter, r *frame.Request) {
	n := nameOf(r)
	for _, f := range files.Formats() {
		if r.PathValue("file") == "statement."+string(f) {
			r.Download(w, "statement export", ops.Export{Tenant: n.Tenant, Month: n.Month, Format: f}, f.ContentType(), fmt.Sprintf("statement-%s-%s.%s", n.Tenant, n.Month, f))
			return
		}
	}
	r.Fail(w, failure.New(failure.NotFound, "there is no file %.40q of a statement", r.PathValue("file")))
}

func closeForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Close the months that are due", Button: "Close them", Cancel: "/statements",
		Text: []string{"A month is due two days after its end. The server closes it by itself, within five minutes. A closed month never changes again. If no month is due, nothing is changed."}}, nil
}

func closeMonths(r *frame.Request, _ frame.Values) (frame.Done, error) {
	made, err := frame.Do[ops.None, ops.Closing](r, "statement close", ops.None{})
	text := "No month is due."
	if len(made.Closed) > 0 {
		text = fmt.Sprintf("Made %s.", frame.Count(int64(len(made.Closed)), "statement"))
	}
	if made.Next != "" {
		text += fmt.Sprintf(" %s closes on %s.", made.Next, made.ClosesAt.Format("2006-01-02 15:04 MST"))
	}
	return frame.Done{To: "/statements", Flash: text}, err
}
