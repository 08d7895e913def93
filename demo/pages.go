package demo

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

//go:embed pages
var embedded embed.FS

// pages are the embedded templates.
var pages = template.Must(template.ParseFS(embedded, "pages/*.html"))

// page is the data of a template.
type page struct {
	*Site
	Title    string
	Today    string
	Cover    Entry   // the country of the day
	Section  section // the section that the atlas shows; the zero value shows all
	Sections []section
	Entry    Entry // the country of an article
}

// section is a part of the magazine, which shows one collection of the corpus.
type section struct{ ID, Name string }

// sections are the sections that the masthead links to.
var sections = []section{
	{"africa", "Africa"}, {"asia", "Asia"}, {"europe", "Europe"}, {"north-america", "North America"},
	{"oceania", "Oceania"}, {"south-america", "South America"}, {"languages", "Languages"}, {"currencies", "Currencies"},
}

// covers are the IDs of the countries on the front page, in turn, one a day.
var covers = []string{"iceland", "japan", "kenya", "brazil", "seychelles", "portugal", "new-zealand"}

// front serves the front page of the magazine or of a section.
func (s *Site) front(w http.ResponseWriter, r *http.Request) {
	p := s.page("The Meridian")
	p.Cover, _ = s.entry(covers[s.Now().UTC().YearDay()%len(covers)])
	if id := r.FormValue("section"); id != "" {
		at := slices.IndexFunc(sections, func(x section) bool { return x.ID == id })
		if at < 0 {
			s.notFound(w)
			return
		}
		p.Section = sections[at]
		p.Title = p.Section.Name + " — The Meridian"
	}
	s.show(w, http.StatusOK, "front.html", p)
}

// country serves an article. For a link to the publisher's site (?url=) it redirects to the
// magazine's own page.
func (s *Site) country(w http.ResponseWriter, r *http.Request) {
	if url := r.FormValue("url"); url != "" {
		at := slices.IndexFunc(s.Entries, func(e Entry) bool { return e.URL == url })
		if at < 0 {
			s.notFound(w)
			return
		}
		http.Redirect(w, r, "/country?item="+s.Entries[at].ID, http.StatusSeeOther)
		return
	}
	e, ok := s.entry(r.FormValue("item"))
	if !ok {
		s.notFound(w)
		return
	}
	p := s.page(e.Title + " — The Meridian")
	p.Entry = e
	s.show(w, http.StatusOK, "country.html", p)
}

func (s *Site) notFound(w http.ResponseWriter) {
	s.show(w, http.StatusNotFound, "missing.html", s.page("Not on our map — The Meridian"))
}

func (s *Site) page(title string) page {
	return page{Site: s, Title: title, Today: s.Now().Format("Monday, 2 January 2006"), Sections: sections}
}

func (s *Site) entry(id string) (Entry, bool) {
	for _, e := range s.Entries {
		if e.ID == id {
			return e, true
		}
	}
	return Entry{}, false
}

func (s *Site) show(w http.ResponseWriter, status int, name string, p page) {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, name, p); err != nil {
		http.Error(w, "can't render the page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text.Bytes())
}

// files serves the styles, scripts and pictures of the pages by name.
func files() http.Handler {
	dir, err := fs.Sub(embedded, "pages")
	if err != nil {
		panic("demo: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		info, err := fs.Stat(dir, name)
		if err != nil || info.IsDir() || strings.HasSuffix(name, ".html") {
			http.NotFound(w, r)
			return
		}
		http.ServeFileFS(w, r, dir, name)
	})
}
