// Package adminpages is the console's pages about those who use it: one's own account, the other
// admins for owners, and the audit log of what all of them changed.
//
// An account and an admin have the same parts: passkeys, sessions, tokens. They are below /account
// for one's own and below /admins/NAME for an owner. Package console/signin adds passkeys, because
// a browser takes part in that.
package adminpages

import (
	_ "embed"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

var (
	//go:embed account.html
	accountHTML string
	//go:embed admins.html
	adminsHTML string
	//go:embed admin.html
	adminHTML string
	//go:embed once.html
	onceHTML string
	//go:embed audit.html
	auditHTML string
	//go:embed entry.html
	entryHTML string
	//go:embed verify.html
	verifyHTML string
)

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	f.Page(frame.Page{Path: "/account", Section: "account", Role: operations.Viewer, Title: "Your account", Template: accountHTML, Data: showAccount})
	f.Page(frame.Page{Path: "/admins", Section: "admins", Role: operations.Owner, Title: "Admins", Template: adminsHTML, Data: listAdmins})
	f.Page(frame.Page{Path: "/admins/{name}", Section: "admins", Role: operations.Owner, Template: adminHTML, Data: showAdmin})
	f.Page(frame.Page{Path: "/audit", Section: "audit", Role: operations.Viewer, Title: "Audit log", Template: auditHTML, Data: listAudit})
	f.Page(frame.Page{Path: "/audit/{seq}", Section: "audit", Role: operations.Viewer, Template: entryHTML, Data: showEntry})
	f.Page(frame.Page{Path: "/audit/verify", Section: "audit", Role: operations.Viewer, Title: "Check of the audit log", Template: verifyHTML, Data: verify})

	own := func(path string, show shower, do doer) frame.Form {
		return frame.Form{Path: "/account" + path, Section: "account", Role: operations.Viewer, Show: show, Do: do}
	}
	owners := func(path string, show shower, do doer) frame.Form {
		return frame.Form{Path: path, Section: "admins", Role: operations.Owner, Show: show, Do: do}
	}
	once := func(form frame.Form) frame.Form {
		form.Result = onceHTML
		return form
	}
	f.Form(own("/password", passwordForm, setPassword))
	f.Form(once(owners("/add/admin", addForm, addAdmin)))
	f.Form(owners("/admins/{name}/role", roleForm, setRole))
	f.Form(once(owners("/admins/{name}/reset", resetForm, reset)))
	f.Form(owners("/admins/{name}/remove", removeForm, remove))
	for _, form := range []frame.Form{
		once(own("/tokens/add", tokenForm, addToken)), own("/tokens/remove", removeTokenForm, removeToken),
		own("/sessions/revoke", revokeForm, revoke), own("/passkeys/remove", removePasskeyForm, removePasskey),
	} {
		f.Form(form)
		form.Path = "/admins/{name}" + form.Path[len("/account"):]
		form.Section, form.Role = "admins", operations.Owner
		f.Form(form)
	}
}

type (
	shower = func(*frame.Request) (frame.FormView, error)
	doer   = func(*frame.Request, frame.Values) (frame.Done, error)
)

// nameOf returns whose account a request is about.
func nameOf(r *frame.Request) string {
	if name := r.PathValue("name"); name != "" {
		return name
	}
	return r.Caller.Name
}

// pathOf returns the path of the page of that account, or of a form below it.
func pathOf(r *frame.Request, below string) string {
	if name := r.PathValue("name"); name != "" {
		return frame.Path("admins", name) + below
	}
	return "/account" + below
}

// once is what is shown only once.
type once struct {
	Text     string
	Snippets []frame.Snippet
	To, Next string
}
