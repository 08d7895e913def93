package contentpages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// tenantField is a filter by what a tenant sees.
func tenantField(r *frame.Request) (frame.Field, error) {
	return r.TenantField("As seen by", "The shared corpus")
}

// overview shows the collections that a tenant sees, and the last change.
func overview(r *frame.Request) (any, error) {
	field, err := tenantField(r)
	if err != nil {
		return nil, err
	}
	tenant := r.Query("tenant")
	c, err := frame.Do[operations.ContentOwner, operations.ContentCollections](r, "content collections", operations.ContentOwner{Tenant: tenant})
	if err != nil {
		return nil, err
	}
	r.Refresh = true
	t := frame.Table{Caption: "Collections", Columns: frame.Columns("Collection", "#Items", "#Own items"), Empty: &frame.Empty{Title: "No items yet",
		Text: "Import JSON lines, CSV or a feed here. A folder of Markdown files needs the command.", Code: "stile content import recipes/ --collection recipes"}}
	for _, one := range c.Collections {
		name := one.Collection
		if name == "" {
			name = "without a collection"
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(name).Link(frame.URL("/content/search", "tenant", tenant, "collection", one.Collection)), frame.Num(one.Items), frame.Num(one.Own)}})
	}
	cards := []frame.Card{{Label: "Items", Value: frame.Number(int64(c.Items))}, {Label: "Size", Value: frame.Number(c.Bytes>>10) + " KiB"}, {Label: "Generation", Value: strconv.FormatInt(c.Generation, 10), Note: "Each import that changes something publishes the next."}}
	if tenant != "" {
		cards = append(cards[:1:1], append([]frame.Card{{Label: "Own items of " + tenant, Value: frame.Number(int64(c.Own))}}, cards[1:]...)...)
	}
	data := struct {
		Filter frame.Filter
		Search []frame.Field
		Cards  []frame.Card
		Table  frame.Table
		Import frame.Cell
		Last   []frame.Item
		Undo   frame.Cell
	}{Filter: r.Filter(field), Cards: cards, Table: t, Import: r.Ask("/content/import", "Import…", ""),
		Search: []frame.Field{{Name: "q", Label: "Words, as a tenant searches", Kind: "search", Scope: "search-"}, {Name: "tenant", Kind: "hidden", Value: tenant}}}
	if l := c.LastChange; l != nil {
		data.Last = changeItems(*l)
		data.Undo = r.Ask("/content/undo", "Undo…", "", "generation", strconv.FormatInt(l.Generation, 10))
	}
	return data, nil
}

func changeItems(l operations.ContentChange) []frame.Item {
	owner := frame.Text("the shared corpus")
	if l.Tenant != "" {
		owner = frame.Code(l.Tenant).Link(frame.Path("tenants", l.Tenant))
	}
	what := map[string]string{"import": "Import", "remove": "Removal of items", "undo": "Undo of a change"}[l.Kind]
	items := []frame.Item{{Term: "What", Value: frame.Text(what)}, {Term: "When", Value: frame.Time(l.At)}, {Term: "Items of", Value: owner},
		{Term: "Changed", Value: frame.Text(fmt.Sprintf("%s added, %s updated, %s removed", frame.Number(int64(l.Added)), frame.Number(int64(l.Updated)), frame.Number(int64(l.Removed))))}}
	if l.Source != "" {
		items = append(items, frame.Item{Term: "Source", Value: frame.Text(l.Source)})
	}
	return append(items, frame.Item{Term: "Undo ends", Value: frame.Time(l.UndoUntil), Help: "The change can be undone until then, until the next change, or until a tenant is removed."})
}

// found is what pages show of an item in a list.
type found struct {
	ID         string   `json:"id"`
	Collection string   `json:"collection"`
	Title      string   `json:"title"`
	Summary    string   `json:"summary"`
	Tags       []string `json:"tags"`
}

// search searches as the content API does, as a tenant sees the corpus.
func search(r *frame.Request) (any, error) {
	field, err := tenantField(r)
	if err != nil {
		return nil, err
	}
	filter := r.Filter(frame.Field{Name: "q", Label: "Words", Kind: "search"}, field, frame.Field{Name: "collection", Label: "Collection"},
		frame.Field{Name: "sort", Label: "Order", Kind: "select", Options: []frame.Option{{Value: "", Text: "Relevance"}, {Value: "newest", Text: "Newest"}, {Value: "title", Text: "Title"}}})
	q := operations.ContentSearch{Tenant: r.Query("tenant"), Q: r.Query("q"), Collection: r.Query("collection"), Sort: r.Query("sort"), After: r.Query("after")}
	page, err := frame.Do[operations.ContentSearch, operations.ContentFound](r, "content search", q)
	if err != nil {
		return nil, err
	}
	t := frame.Table{Caption: frame.Count(int64(page.Total), "item"), Columns: frame.Columns("Title", "ID", "Collection", "Summary"),
		Empty: &frame.Empty{Title: "No item is found", Text: "The tenant sees the shared corpus and its own items."}}
	t.Columns[3].Wide = true
	for _, raw := range page.Items {
		var it found
		if err := json.Unmarshal(raw, &it); err != nil {
			return nil, fmt.Errorf("read an item: %w", err)
		}
		to := frame.URL(frame.Path("content", "items", it.ID), "tenant", q.Tenant)
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(it.Title).Link(to), frame.Code(it.ID), frame.Text(it.Collection), frame.Text(clip(it.Summary)).Muted()}})
	}
	r.Next(&t, page.Next)
	return struct {
		Filter    frame.Filter
		Table     frame.Table
		Corrected [][2]string
		Ignored   []string
		Relaxed   bool
	}{filter, t, page.Corrected, page.Ignored, page.Relaxed}, nil
}

// clip shortens a summary for a list.
func clip(text string) string {
	const most = 160
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// item shows one item in full, as the content API returns it.
func item(r *frame.Request) (any, error) {
	tenant := r.Query("tenant")
	raw, err := frame.Do[operations.ItemName, json.RawMessage](r, "content show", operations.ItemName{Tenant: tenant, ID: r.PathValue("id")})
	if err != nil {
		return nil, failure.Of(failure.NotFound, err)
	}
	var it struct {
		found
		Body        string         `json:"body"`
		Image       string         `json:"image"`
		URL         string         `json:"url"`
		Attributes  map[string]any `json:"attributes"`
		PublishedAt string         `json:"published_at"`
		UpdatedAt   string         `json:"updated_at"`
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, fmt.Errorf("read the item: %w", err)
	}
	r.Title = it.Title
	facts := []frame.Item{{Term: "ID", Value: frame.Code(it.ID)}}
	for _, fact := range [][2]string{{"Collection", it.Collection}, {"Summary", it.Summary}, {"Published", it.PublishedAt}, {"Updated", it.UpdatedAt}, {"URL", it.URL}, {"Image", it.Image}} {
		if fact[1] != "" {
			facts = append(facts, frame.Item{Term: fact[0], Value: frame.Text(fact[1])})
		}
	}
	for _, tag := range it.Tags {
		facts = append(facts, frame.Item{Term: "Tag", Value: frame.Badge("muted", tag)})
	}
	var all bytes.Buffer
	if err := json.Indent(&all, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("read the item: %w", err)
	}
	const most = 16 << 10 // a page has at most 60 kB
	body, text := it.Body, all.String()
	return struct {
		Facts       []frame.Item
		Body, JSON  string
		IsShortened bool
	}{facts, body[:min(len(body), most/2)], text[:min(len(text), most/2)], len(body) > most/2 || len(text) > most/2}, nil
}

func undoForm(r *frame.Request) (frame.FormView, error) {
	c, err := frame.Do[operations.ContentOwner, operations.ContentCollections](r, "content collections", operations.ContentOwner{})
	if err != nil {
		return frame.FormView{}, err
	}
	view := frame.FormView{Title: "Undo the last change", Button: "Undo the change", Danger: true, Cancel: "/content",
		Fields: []frame.Field{{Name: "generation", Kind: "hidden"}}}
	if c.LastChange == nil {
		view.Text = []string{"There is no change that can be undone."}
		return view, nil
	}
	l := *c.LastChange
	view.Fields[0].Value = strconv.FormatInt(l.Generation, 10)
	view.Text = []string{fmt.Sprintf("The %s of %s (generation %d) is undone: added items are removed: %s; removed items come back: %s; changed items become what they were: %s.", l.Kind, l.At.UTC().Format("2006-01-02 15:04 UTC"), l.Generation, frame.Number(int64(l.Added)), frame.Number(int64(l.Removed)), frame.Number(int64(l.Updated))),
		"The corpus becomes what it was before. To undo the undo repeats the change."}
	return view, nil
}

func undo(r *frame.Request, v frame.Values) (frame.Done, error) {
	generation, err := strconv.ParseInt(v.Text("generation"), 10, 64)
	if err != nil || generation <= 0 {
		return frame.Done{}, failure.New(failure.Conflict, "there is no change that can be undone")
	}
	undone, err := frame.Do[operations.ContentUndo, operations.ContentChange](r, "content undo", operations.ContentUndo{Generation: generation})
	if err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: "/content", Flash: fmt.Sprintf("The %s of %s is undone.", undone.Kind, undone.At.UTC().Format("2006-01-02 15:04 UTC"))}, nil
}
