package contentpages

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/operations"
)

// send sends a file, and returns where the console goes then.
func send(t *testing.T, s *consoletest.Site, name, text, token string, pairs ...string) (status int, to string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i, pair := range append([]string{"csrf", token}, pairs...) {
		if i%2 == 0 {
			w.WriteField(pair, append([]string{"csrf", token}, pairs...)[i+1])
		}
	}
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, text)
	w.Close()
	r := httptest.NewRequest("POST", "/content/import", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	resp := s.Do(r)
	return resp.StatusCode, resp.Header.Get("Location")
}

// done waits until a run is done, and returns its page.
func done(t *testing.T, s *consoletest.Site, path string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if page := s.Get(path, 200); !strings.Contains(page, " so far") {
			return page
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the import does not end")
	return ""
}

const items = `{"id":"a","title":"Anna","collection":"people"}
{"id":"b","title":"Berta <script>","collection":"people","body":"<p>b</p>"}
`

// TestImport uploads, previews, imports and undoes.
func TestImport(t *testing.T) {
	s := consoletest.New(t, Add)
	consoletest.Has(t, s.Get("/content", 200), "No items yet")
	status, to := send(t, s, "people.jsonl", items, consoletest.CSRF)
	if status != 303 {
		t.Fatalf("status %d", status)
	}
	// The buttons appear when the file is checked, so the script must update their region too.
	consoletest.Has(t, done(t, s, to), "Nothing is changed yet", "Import now", "people.jsonl", `<div class="actions" id="actions" data-live><form`)
	consoletest.Has(t, s.Get("/content", 200), "No items yet") // only a preview
	s.Post(to+"/apply", 303)
	consoletest.Has(t, done(t, s, to), "The items are imported", "Undo")
	consoletest.Has(t, s.Get("/content", 200), "people", "Last change", "people.jsonl, uploaded by ada", "2 added")
	consoletest.Has(t, s.Get("/content/search?q=berta", 200), "Berta &lt;script&gt;", "/content/items/b")
	consoletest.Has(t, s.Get("/content/items/b", 200), "&lt;p&gt;b&lt;/p&gt;")
	s.Get("/content/items/zz", 404)
	s.Post(to+"/apply", 409) // it is imported
	consoletest.Has(t, s.Get("/content/undo", 200), "added items are removed: 2")
	s.Post("/content/undo", 409, "generation", "77")
	s.Post("/content/undo", 303, "generation", "1")
	consoletest.Has(t, s.Get("/content", 200), "Undo of a change")
	if page := s.Get("/content/search", 200); strings.Contains(page, "Berta") {
		t.Error("the import is not undone")
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir.Settings().Data, uploadName)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestImportFails checks what the page says of a file that can't be imported, and that a large
// removal must be confirmed.
func TestImportFails(t *testing.T) {
	s := consoletest.New(t, Add)
	_, to := send(t, s, "../../wrong.jsonl", `{"id":"a"}`+"\n"+`{"id":"b c","title":"x"}`, consoletest.CSRF)
	page := done(t, s, to)
	consoletest.Has(t, page, "The import would fail", "wrong.jsonl:1:", "wrong.jsonl:2:")
	if strings.Contains(page, "Import now") || strings.Contains(page, "../") {
		t.Error(page)
	}
	s.Post(to+"/apply", 409)
	s.Post(to+"/discard", 303)
	s.Get(to, 404)
	many := ""
	for _, id := range strings.Fields("a b c d e f g h i j k l m n o p q r s t") {
		many += `{"id":"` + id + `","title":"T","collection":"c"}` + "\n"
	}
	_, to = send(t, s, "many.jsonl", many, consoletest.CSRF)
	done(t, s, to)
	s.Post(to+"/apply", 303)
	done(t, s, to)
	_, to = send(t, s, "few.jsonl", `{"id":"a","title":"T","collection":"c"}`, consoletest.CSRF, "prune", "yes")
	consoletest.Has(t, done(t, s, to), "would remove 19 of 20 items")
	s.Post(to+"/apply", 400)
	s.Post(to+"/apply", 400, "confirmed", "5")
	consoletest.Has(t, s.Get("/content/search", 200), "20 items")
	s.Post(to+"/apply", 303, "confirmed", "19")
	consoletest.Has(t, done(t, s, to), "The items are imported")
}

// TestUploadRefused checks that a file is taken only from an operator with the session's token.
func TestUploadRefused(t *testing.T) {
	s := consoletest.New(t, Add)
	if status, _ := send(t, s, "x.jsonl", items, "another token"); status != 403 {
		t.Errorf("with another token: %d", status)
	}
	if status, _ := send(t, s, "x.jsonl", "", consoletest.CSRF); status != 400 {
		t.Errorf("an empty file: %d", status)
	}
	if status, _ := send(t, s, "x.jsonl", items, consoletest.CSRF, "format", "exe"); status != 400 {
		t.Errorf("an unknown format: %d", status)
	}
	s.Role = operations.Viewer
	if status, _ := send(t, s, "x.jsonl", items, consoletest.CSRF); status != 403 {
		t.Errorf("a viewer: %d", status)
	}
	left, err := os.ReadDir(s.Dir.Settings().Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasPrefix(f.Name(), "upload-") {
			t.Errorf("left: %s", f.Name())
		}
	}
}

func TestKeys(t *testing.T) {
	s := consoletest.New(t, Add)
	consoletest.Has(t, s.Get("/keys", 200), "signs", "EdDSA", "No external issuer")
	s.Post("/keys/rotate", 303, "alg", "ES256")
	consoletest.Has(t, s.Get("/keys", 200), "ES256", "verifies only")
	s.Post("/keys/rotate", 400, "alg", "none")
	s.Role = operations.Operator
	s.Post("/keys/rotate", 403, "alg", "ES256")
	if page := s.Get("/keys", 200); strings.Contains(page, "/keys/rotate") {
		t.Error("an operator is offered to rotate the key")
	}
}
