package main

import (
	"encoding/json"
	"io"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/developers"
	"stile.example/stile/console/frame"
)

// route is a page of the console or of a tenant's own view. A form is a page, too.
type route struct {
	Path string `json:"path"` // as a pattern of net/http without a method
	// Form says that it is a form, and Result that sending it shows a page, once.
	Form   bool `json:"form"`
	Result bool `json:"result"`
}

// printRoutes writes the routes of a console that has all its pages, as JSON. Tests compare them
// with the pages that they have visited, so that none is forgotten.
func printRoutes(w io.Writer, site *consoletest.Site) error {
	all := routesOf(site.Frame.Pages(), site.Frame.Forms())
	own := developers.Options{Dir: site.Dir, PublicURL: "https://api.example", Version: "(devel)"}
	return json.NewEncoder(w).Encode(append(all, routesOf(developers.Pages(own))...))
}

func routesOf(pages []frame.Page, forms []frame.Form) (all []route) {
	for _, p := range pages {
		all = append(all, route{Path: p.Path})
	}
	for _, f := range forms {
		all = append(all, route{Path: f.Path, Form: true, Result: f.Result != ""})
	}
	return all
}
