package contentpages

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

const (
	maxUpload  = 2 << 30 // bytes of a file
	maxUploads = 4       // files that are kept, and as many that arrive
	keepUpload = time.Hour
	uploadName = "upload-*.part"
)

// uploads keeps the files that were uploaded, each with what an import of it would change or has
// changed. A file is removed when it is imported or discarded, or after an hour.
type uploads struct {
	dir string

	mu       sync.Mutex
	arriving int // files that are being stored
	count    int
	all      []*upload // the newest last
}

// upload is an uploaded file.
type upload struct {
	id     string
	name   string // of the file, as the browser named it
	file   string
	bytes  int64
	format content.Format
	in     operations.ImportOptions
	by     string
	at     time.Time

	items atomic.Int64 // that the run has read
	read  atomic.Int64 // bytes that the run has read

	// Guarded by the uploads' mu.
	running bool
	applied bool // the last run imported the items
	result  *imports.Result
	err     error
}

// newUploads returns an empty list, and removes the files that a former process left.
func newUploads(dir string) *uploads {
	left, _ := filepath.Glob(filepath.Join(dir, uploadName)) // a wrong pattern finds nothing to remove
	for _, file := range left {
		os.Remove(file)
	}
	return &uploads{dir: dir}
}

func importForm(r *frame.Request) (frame.FormView, error) {
	owner, err := r.TenantField("Items of", "The shared corpus")
	if err != nil {
		return frame.FormView{}, err
	}
	return frame.FormView{Title: "Import items", Button: "Upload and preview", Cancel: "/content",
		Text: []string{"Nothing is changed yet: the next page says what the import would change."},
		Fields: []frame.Field{owner,
			{Name: "format", Label: "Format", Kind: "select", Options: []frame.Option{{Value: "", Text: "Detect"}, {Value: "jsonl", Text: "JSON lines"}, {Value: "csv", Text: "CSV"}, {Value: "feed", Text: "Feed: RSS, Atom, JSON Feed"}}},
			{Name: "collection", Label: "Collection", Help: "Of the items that name none."},
			{Name: "prune", Label: "Remove what is missing from the file, in its collections", Kind: "checkbox"},
			{Name: "skip_invalid", Label: "Leave invalid items out, instead of importing nothing", Kind: "checkbox"},
			{Name: "file", Label: "File", Kind: "file", Required: true, Help: "JSON lines, CSV or a feed, at most 2 GiB. For a folder of Markdown files, use stile content import."}}}, nil
}

// upload stores a file, and starts its preview.
func (u *uploads) upload(r *frame.Request, v frame.Values) (frame.Done, error) {
	format, err := content.ParseFormat(v.Text("format"))
	if err != nil {
		return frame.Done{}, frame.About("format", failure.Of(failure.Invalid, err))
	}
	if v.File == nil || v.FileName == "" {
		return frame.Done{}, frame.About("file", failure.New(failure.Invalid, "choose a file"))
	}
	name := filepath.Base(filepath.ToSlash(v.FileName))
	file, n, err := u.store(v.File)
	if err != nil {
		return frame.Done{}, frame.About("file", err)
	}
	skip := v.Get("skip_invalid") == "yes"
	one := &upload{name: name, file: file, bytes: n, format: format, by: r.Caller.Name, at: r.Now(),
		in: operations.ImportOptions{Tenant: v.Text("tenant"), Prune: v.Get("prune") == "yes", Collection: v.Text("collection"), SkipInvalid: skip, Source: name + ", uploaded by " + r.Caller.Name}}
	if err := u.add(one); err != nil {
		return frame.Done{}, errors.Join(err, os.Remove(file))
	}
	if err := u.start(r, one, true, 0); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("content", "imports", one.id)}, nil
}

// arrive counts a file that is being stored, unless there are as many as may be: together they
// could fill the disk that calls are counted on.
func (u *uploads) arrive() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.arriving >= maxUploads {
		return failure.New(failure.Conflict, "%d files are being uploaded; wait until one has arrived", u.arriving)
	}
	u.arriving++
	return nil
}

func (u *uploads) arrived() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.arriving--
}

// store writes a file into the data directory, as it arrives.
func (u *uploads) store(from io.Reader) (file string, n int64, err error) {
	if err := u.arrive(); err != nil {
		return "", 0, err
	}
	defer u.arrived()
	f, err := os.CreateTemp(u.dir, uploadName)
	if err != nil {
		return "", 0, fmt.Errorf("store the file: %w", err)
	}
	n, err = io.Copy(f, io.LimitReader(from, maxUpload+1))
	err = errors.Join(err, f.Close())
	switch {
	case err != nil:
		err = failure.New(failure.Invalid, "the file did not arrive completely: %w; upload it again", err)
	case n > maxUpload:
		err = failure.New(failure.Invalid, "the file has more than 2 GiB: use stile content import on the server")
	case n == 0:
		err = failure.New(failure.Invalid, "the file is empty")
	default:
		return f.Name(), n, nil
	}
	return "", 0, errors.Join(err, os.Remove(f.Name()))
}

// add adds a file to the list. It drops old ones that nobody works on.
func (u *uploads) add(one *upload) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var kept []*upload
	for i, old := range u.all {
		if !old.running && (one.at.Sub(old.at) > keepUpload || len(u.all)-i >= maxUploads) {
			os.Remove(old.file) // it may be gone already
			continue
		}
		kept = append(kept, old)
	}
	if len(kept) >= maxUploads {
		u.all = kept
		return failure.New(failure.Conflict, "%d imports are running; wait until one is done", len(kept))
	}
	u.count++
	one.id = strconv.Itoa(u.count)
	u.all = append(kept, one)
	time.AfterFunc(keepUpload, func() { u.expire(one) })
	return nil
}

// expire removes a file that was neither imported nor discarded. An import that reads it continues.
func (u *uploads) expire(one *upload) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all = slices.DeleteFunc(u.all, func(other *upload) bool { return other == one })
	os.Remove(one.file) // it may be gone already
}

// find returns an uploaded file.
func (u *uploads) find(r *frame.Request) (*upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, one := range u.all {
		if one.id == r.PathValue("id") {
			return one, nil
		}
	}
	return nil, failure.New(failure.NotFound, "there is no such upload, or not any more: a file is kept for an hour, and not after a restart; upload it again")
}

// start runs a preview or an import in the background. confirmed is how many items it may remove.
func (u *uploads) start(r *frame.Request, one *upload, dry bool, confirmed int) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one.running || one.applied && one.err == nil {
		return failure.New(failure.Conflict, "the file is being read, or was imported already")
	}
	one.running, one.applied, one.result, one.err = true, !dry, nil, nil
	one.items.Store(0)
	one.read.Store(0)
	in := one.in
	in.DryRun, in.Confirmed = dry, confirmed
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	go func() {
		defer cancel()
		result, err := one.run(r.In(ctx), in, cancel)
		u.mu.Lock()
		defer u.mu.Unlock()
		one.running, one.result, one.err = false, &result, err
		if !dry && err == nil && result.Unconfirmed == nil {
			os.Remove(one.file)
		}
		if result.Unconfirmed != nil {
			one.applied = false
		}
	}()
	return nil
}

// run reads the items of the file, and performs the operation with them.
func (one *upload) run(r *frame.Request, in operations.ImportOptions, stop func()) (result imports.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the import panicked: %v", p)
		}
	}()
	f, err := os.Open(one.file)
	if err != nil {
		return result, fmt.Errorf("the uploaded file is gone; upload it again: %w", err)
	}
	defer f.Close()
	src := content.Source{Path: one.name, Reader: f, Format: one.format, Collection: in.Collection, SkipInvalid: in.SkipInvalid, Now: r.Now(),
		Progress: func(p content.Progress) { one.items.Store(int64(p.Items)); one.read.Store(p.Bytes) }}
	var unread error // why the file could not be read to the end
	items := iter.Seq2[content.Item, error](func(yield func(content.Item, error) bool) {
		for it, err := range content.Read(r.Context(), src) {
			if err != nil && !new(imports.Result).Omit(err) {
				unread = err
			}
			if !yield(it, err) {
				return
			}
		}
	})
	result, err = frame.DoItems[operations.ImportOptions, imports.Result](r, "content import", in, items, stop)
	if unread != nil {
		err = unread
	}
	return result, err
}

// importPage is what the page of an upload shows.
type importPage struct {
	Name      string
	Running   bool
	Applied   bool
	Facts     []frame.Item
	Share     float64
	Items     int64
	Result    *imports.Result
	Errors    string
	Changes   frame.Table
	Omitted   frame.Table
	Actions   []frame.Cell
	Removes   string // what must be confirmed
	Unchanged bool
}

// show shows an upload: the progress, then what the import would change or has changed.
func (u *uploads) show(r *frame.Request) (any, error) {
	one, err := u.find(r)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	r.Title, r.Refresh = "Import of "+one.name, one.running
	p := importPage{Name: one.name, Running: one.running, Applied: one.applied, Items: one.items.Load(), Share: float64(one.read.Load()) / float64(max(one.bytes, 1)), Result: one.result}
	owner := "the shared corpus"
	if one.in.Tenant != "" {
		owner = one.in.Tenant
	}
	p.Facts = []frame.Item{{Term: "File", Value: frame.Text(one.name + ", " + frame.Count(one.bytes, "byte"))}, {Term: "Items of", Value: frame.Text(owner)}, {Term: "Uploaded", Value: frame.Time(one.at).And(frame.Text("by " + one.by).Muted())}}
	if one.err != nil {
		p.Errors = one.err.Error()
	}
	if one.result != nil && one.err == nil {
		p.describe(*one.result)
	}
	if !one.running {
		p.Actions = one.actions(r, &p)
	}
	return p, nil
}

func (p *importPage) describe(result imports.Result) {
	p.Unchanged = result.Added+result.Updated+result.Removed == 0
	p.Changes = frame.Table{Caption: "Items", Columns: frame.Columns("What", "#Items"), Rows: []frame.Row{
		{Cells: []frame.Cell{frame.Text("Added"), frame.Num(result.Added)}}, {Cells: []frame.Cell{frame.Text("Updated"), frame.Num(result.Updated)}},
		{Cells: []frame.Cell{frame.Text("Unchanged"), frame.Num(result.Unchanged)}}, {Cells: []frame.Cell{frame.Text("Removed"), frame.Num(result.Removed)}}}}
	p.Omitted = frame.Table{Caption: "Items that are left out", Columns: frame.Columns("Where", "Why")}
	p.Omitted.Columns[1].Wide = true
	for _, of := range []imports.Omissions{result.Skipped, result.LeftOut} {
		for _, o := range of.First[:min(len(of.First), 25)] {
			p.Omitted.Rows = append(p.Omitted.Rows, frame.Row{Cells: []frame.Cell{frame.Code(o.Where), frame.Text(o.Why)}})
		}
	}
	if large := result.Unconfirmed; large != nil {
		p.Removes = fmt.Sprintf("The import would remove %s of %s, which the file does not have. That is probably a mistake, so it must be confirmed.", frame.Number(int64(large.Items)), frame.Count(int64(large.Of), "item"))
	}
}

func (one *upload) actions(r *frame.Request, p *importPage) []frame.Cell {
	switch {
	case one.applied && one.err == nil:
		return []frame.Cell{r.Ask("/content/undo", "Undo…", "")}
	case one.err != nil:
		return []frame.Cell{r.Ask("/content/import", "Upload another file…", ""), r.Button(frame.Path("content", "imports", one.id, "discard"), "Discard", one.name)}
	}
	apply := r.Button(frame.Path("content", "imports", one.id, "apply"), "Import now", one.name)
	if p.Removes != "" {
		apply = r.Ask(frame.Path("content", "imports", one.id, "apply"), "Import, and remove…", one.name)
	}
	return []frame.Cell{apply, r.Button(frame.Path("content", "imports", one.id, "discard"), "Discard", one.name)}
}

func (u *uploads) applyForm(r *frame.Request) (frame.FormView, error) {
	one, err := u.find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	view := frame.FormView{Title: "Import " + one.name, Button: "Import the items", Cancel: frame.Path("content", "imports", one.id), Text: []string{"During the import, the API continues to serve the old corpus."}}
	if one.result != nil && one.result.Unconfirmed != nil {
		large := one.result.Unconfirmed
		view.Danger = true
		view.Fields = []frame.Field{{Name: "confirmed", Label: fmt.Sprintf("Type %d, the number of items that are removed", large.Items), Kind: "number", Required: true}}
	}
	return view, nil
}

// apply imports a file after its preview.
func (u *uploads) apply(r *frame.Request, v frame.Values) (frame.Done, error) {
	one, err := u.find(r)
	if err != nil {
		return frame.Done{}, err
	}
	u.mu.Lock()
	result, failed := one.result, one.err
	u.mu.Unlock()
	confirmed := 0
	switch {
	case failed != nil || result == nil:
		return frame.Done{}, failure.New(failure.Conflict, "the file has no preview without errors")
	case result.Unconfirmed != nil:
		if confirmed, err = strconv.Atoi(v.Text("confirmed")); err != nil || confirmed != result.Unconfirmed.Items || confirmed > math.MaxInt32 {
			return frame.Done{}, frame.About("confirmed", failure.New(failure.Unconfirmed, "type %d to confirm that so many items are removed", result.Unconfirmed.Items))
		}
	}
	if err := u.start(r, one, false, confirmed); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: frame.Path("content", "imports", one.id)}, nil
}

func (u *uploads) discardForm(r *frame.Request) (frame.FormView, error) {
	one, err := u.find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	return frame.FormView{Title: "Discard " + one.name, Button: "Discard the file", Cancel: frame.Path("content", "imports", one.id)}, nil
}

// discard removes an uploaded file.
func (u *uploads) discard(r *frame.Request, _ frame.Values) (frame.Done, error) {
	one, err := u.find(r)
	if err != nil {
		return frame.Done{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if one.running {
		return frame.Done{}, failure.New(failure.Conflict, "the file is being read; wait until that is done")
	}
	u.all = slices.DeleteFunc(u.all, func(other *upload) bool { return other == one })
	os.Remove(one.file) // it may be gone already
	return frame.Done{To: "/content", Flash: one.name + " is discarded. Nothing was changed."}, nil
}
