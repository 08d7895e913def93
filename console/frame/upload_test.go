package frame_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

// TestUpload checks that the file of a form is read as a stream, and only after the token of the
// session was found in the fields before it.
func TestUpload(t *testing.T) {
	got := ""
	s := consoletest.New(t, func(f *frame.Frame) {
		f.Form(frame.Form{Path: "/content/upload", Section: "content", Role: operations.Operator, Upload: true,
			Show: func(*frame.Request) (frame.FormView, error) {
				return frame.FormView{Title: "Import", Button: "Import", Fields: []frame.Field{{Name: "format", Label: "Format"}, {Name: "file", Label: "File", Kind: "file"}}}, nil
			},
			Do: func(_ *frame.Request, v frame.Values) (frame.Done, error) {
				text, err := io.ReadAll(v.File)
				got = v.FileName + " " + v.Get("format") + " " + string(text)
				return frame.Done{To: "/content"}, err
			}})
	})
	if page := s.Get("/content/upload", 200); !strings.Contains(page, `enctype="multipart/form-data"`) {
		t.Error(page)
	}
	for _, c := range []struct {
		fields string // name=value, or file
		status int
	}{
		{"csrf=" + consoletest.CSRF + " format=csv file", 303}, {"csrf=other file", 403}, {"format=csv file", 403}, {"file csrf=" + consoletest.CSRF, 403},
		{"csrf=" + consoletest.CSRF + " format=csv", 400}, {"csrf=" + consoletest.CSRF + " format=" + strings.Repeat("x", 300_000) + " file", 400},
		{"csrf=" + consoletest.CSRF + strings.Repeat(" x=", 3000) + " file", 400},
	} {
		got = ""
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, field := range strings.Fields(c.fields) {
			name, value, isField := strings.Cut(field, "=")
			if isField {
				if err := w.WriteField(name, value); err != nil {
					t.Fatal(err)
				}
				continue
			}
			part, err := w.CreateFormFile(name, "items.csv")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(part, "id,title"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/content/upload", &b)
		r.Header.Set("Content-Type", w.FormDataContentType())
		if resp := s.Do(r); resp.StatusCode != c.status || (got != "") != (c.status == 303) {
			t.Errorf("%.60s: status %d, got %q", c.fields, resp.StatusCode, got)
		}
	}
	s.Post("/content/upload", 400)
}

// TestSections checks that each section has an id, a path and a key of its own.
func TestSections(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range frame.Sections() {
		for _, name := range []string{"id " + s.ID, "path " + s.Path, "key " + s.Key} {
			if seen[name] || strings.HasSuffix(name, " ") {
				t.Errorf("%s is repeated or empty", name)
			}
			seen[name] = true
		}
	}
}
