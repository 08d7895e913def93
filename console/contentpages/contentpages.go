// Package contentpages is the console's pages about the corpus (collections, search, items, import
// and undo) and about signing keys and external issuers.
package contentpages

import (
	_ "embed"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

var (
	//go:embed content.html
	contentHTML string
	//go:embed import.html
	importHTML string
	//go:embed item.html
	itemHTML string
	//go:embed keys.html
	keysHTML string
	//go:embed search.html
	searchHTML string
)

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	jobs := newUploads(f.DataDirectory())
	page := func(path, section, title, html string, data func(*frame.Request) (any, error)) {
		f.Page(frame.Page{Path: path, Section: section, Role: operations.Viewer, Title: title, Template: html, Data: data})
	}
	page("/content", "content", "Content", contentHTML, overview)
	page("/content/search", "content", "Search", searchHTML, search)
	page("/content/items/{id}", "content", "", itemHTML, item)
	f.Page(frame.Page{Path: "/content/imports/{id}", Section: "content", Role: operations.Operator, Title: "Import", Template: importHTML, Data: jobs.show})
	page("/keys", "keys", "Issuers & keys", keysHTML, keys)
	form := func(path, section string, role operations.Role, show func(*frame.Request) (frame.FormView, error), do func(*frame.Request, frame.Values) (frame.Done, error)) frame.Form {
		return frame.Form{Path: path, Section: section, Role: role, Show: show, Do: do}
	}
	upload := form("/content/import", "content", operations.Operator, importForm, jobs.upload)
	upload.Upload = true
	f.Form(upload)
	f.Form(form("/content/imports/{id}/apply", "content", operations.Operator, jobs.applyForm, jobs.apply))
	f.Form(form("/content/imports/{id}/discard", "content", operations.Operator, jobs.discardForm, jobs.discard))
	f.Form(form("/content/undo", "content", operations.Operator, undoForm, undo))
	f.Form(form("/keys/rotate", "keys", operations.Owner, rotateForm, rotate))
	f.Form(form("/keys/refresh", "keys", operations.Operator, refreshForm, refresh))
}
