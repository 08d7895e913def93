package adminpages

import (
	"strconv"
	"strings"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// perPage is how many entries a page of the audit log has.
const perPage = 50

func listAudit(r *frame.Request) (any, error) {
	q := operations.AuditQuery{Actor: r.Query("actor"), Operation: r.Query("operation"), Subject: r.Query("subject"), Limit: perPage}
	var err error
	if q.From, err = day(r, "from"); err != nil {
		return nil, err
	}
	if q.To, err = day(r, "to"); err != nil {
		return nil, err
	}
	if !q.To.IsZero() {
		q.To = q.To.AddDate(0, 0, 1)
	}
	if after := r.Query("after"); after != "" {
		if q.After, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, failure.New(failure.Invalid, "after %.40q: must be the number of an entry", after)
		}
	}
	page, err := frame.Do[operations.AuditQuery, operations.AuditPage](r, "audit list", q)
	if err != nil {
		return nil, err
	}
	t := frame.Table{Caption: "Changes, the newest first", Quiet: true, Columns: frame.Columns("When", "Who", "With", "What", "About", "Change"),
		Empty: &frame.Empty{Title: "Nothing found", Text: "No change matches the filter."}}
	t.Columns[4].Wide, t.Columns[5].Wide = true, true
	for _, e := range page.Entries {
		t.Rows = append(t.Rows, entryRow(e))
	}
	next := ""
	if page.Next != 0 {
		next = strconv.FormatInt(page.Next, 10)
	}
	r.Older(&t, next)
	if err := r.Export(&t, "audit list", q); err != nil {
		return nil, err
	}
	return struct {
		Filter frame.Filter
		Table  frame.Table
	}{r.Filter(
		frame.Field{Name: "actor", Label: "Who"},
		frame.Field{Name: "operation", Label: "What", Placeholder: "tenant set"},
		frame.Field{Name: "subject", Label: "About", Placeholder: "acme"},
		frame.Field{Name: "from", Label: "From (UTC)", Kind: "date"},
		frame.Field{Name: "to", Label: "To (UTC)", Kind: "date"}), t}, nil
}

// day returns the start of the day of a parameter, zero if there is none.
func day(r *frame.Request, name string) (time.Time, error) {
	text := r.Query(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, failure.New(failure.Invalid, "%s %.40q: must be a day, such as 2026-11-27", name, text)
	}
	return t, nil
}

func entryRow(e operations.AuditEntry) frame.Row {
	about := frame.None()
	if e.Subject != "" {
		about = frame.Code(e.Subject)
	}
	with := frame.Text(strings.ReplaceAll(e.Credential, " ", "\u00a0")) // it stays on one line
	if e.Address != "" {
		with.Note = "from " + e.Address
	}
	return frame.Row{Cells: []frame.Cell{frame.Time(e.At).Link(path(e.Seq)), frame.Text(e.Actor), with,
		frame.Text(e.Operation).Hint(done(e.Operation)), about, summary(e)}}
}

func path(seq int64) string { return frame.Path("audit", strconv.FormatInt(seq, 10)) }

// done says what an operation does, in the past tense; "" if it is not one.
func done(operation string) string {
	o, ok := operations.Find(operation)
	if !ok {
		return ""
	}
	text, _ := o.Changes()
	return text
}

// maxSummary is how many characters of a change the list shows.
const maxSummary = 100

// summary returns the changed fields of an entry in one line.
func summary(e operations.AuditEntry) frame.Cell {
	text := ""
	for i, c := range audit.Difference(e.Before, e.After) {
		if i > 0 {
			text += ", "
		}
		switch {
		case c.Name != "" && e.Before != nil && e.After != nil:
			text += c.Name + ": " + orNone(c.Before) + " → " + orNone(c.After)
		case c.Name != "":
			text += c.Name + ": " + orNone(c.Before+c.After)
		default:
			text += orNone(c.Before) + " → " + orNone(c.After)
		}
	}
	switch {
	case text == "":
		return frame.None()
	case e.After == nil:
		text = "removed: " + text
	}
	if runes := []rune(text); len(runes) > maxSummary {
		return frame.Text(string(runes[:maxSummary-1]) + "…").Link(path(e.Seq))
	}
	return frame.Text(text)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func showEntry(r *frame.Request) (any, error) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || seq < 1 {
		return nil, failure.New(failure.NotFound, "there is no such entry in the audit log")
	}
	page, err := frame.Do[operations.AuditQuery, operations.AuditPage](r, "audit list", operations.AuditQuery{After: seq + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Entries) == 0 || page.Entries[0].Seq != seq {
		return nil, failure.New(failure.NotFound, "there is no entry %d in the audit log", seq)
	}
	e := page.Entries[0]
	r.Title = "Change " + strconv.FormatInt(seq, 10)
	t := frame.Table{Caption: "What was changed", Columns: frame.Columns("Field", "Before", "After"), Empty: &frame.Empty{Title: "No details", Text: "The operation has no state that is recorded, or it is secret."}}
	t.Columns[1].Wide, t.Columns[2].Wide = true, true
	for _, c := range audit.Difference(e.Before, e.After) {
		name := c.Name
		if name == "" {
			name = "value"
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Text(name), value(c.Before), value(c.After)}})
	}
	return struct {
		Facts []frame.Item
		Table frame.Table
	}{entryFacts(e), t}, nil
}

func value(text string) frame.Cell {
	if text == "" {
		return frame.None()
	}
	return frame.Code(text)
}

func entryFacts(e operations.AuditEntry) []frame.Item {
	items := []frame.Item{
		{Term: "When", Value: frame.Time(e.At)}, {Term: "Who", Value: frame.Code(e.Actor)}, {Term: "Role", Value: value(e.Role)}, {Term: "With", Value: value(e.Credential)},
		{Term: "From", Value: value(e.Address)}, {Term: "What", Value: frame.Code(e.Operation), Help: done(e.Operation)}, {Term: "About", Value: value(e.Subject)},
	}
	return append(items, frame.Item{Term: "Hash", Value: frame.Code(e.Hash), Help: "Of this entry and the hash of the entry before it."})
}

func verify(r *frame.Request) (any, error) {
	return frame.Do[operations.AuditHead, operations.AuditCheck](r, "audit verify", operations.AuditHead{Head: r.Query("head")})
}
