package developers

import (
	"net/http"
	"strings"
	"sync"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	statementfiles "stile.example/stile/statements/files"
	"stile.example/stile/usage"
)

// The pages read these parts of the statements' operations. Which tenant an input names does not
// matter: package operations confines it to the caller's.

// statementName is the input of the operations statement show and statement export.
type statementName struct {
	Tenant string                `json:"tenant"`
	Month  string                `json:"month,omitempty"`
	Format statementfiles.Format `json:"format,omitempty"`
}

// statement is what is shown of one.
type statement struct {
	Month    string       `json:"month"`
	Currency string       `json:"currency"`
	Calls    int64        `json:"calls"`
	Records  int64        `json:"records"`
	Amount   usage.Amount `json:"amount"`
}

// statementQuery is the input of the operation statement list.
type statementQuery struct {
	Tenant string `json:"tenant"`
	Limit  int    `json:"limit"`
}

// maxStatements is how many statements the page has: two years.
const maxStatements = 24

// statementsData returns the part of the page of usage about statements.
func statementsData(r *frame.Request) (any, error) {
	list, err := frame.Do[statementQuery, struct {
		Statements []statement `json:"statements"`
	}](r, "statement list", statementQuery{r.Caller.Tenant, maxStatements})
	if err != nil {
		return nil, err
	}
	open, err := frame.Do[statementName, statement](r, "statement show", statementName{Tenant: r.Caller.Tenant})
	if err != nil {
		return nil, err
	}
	t := frame.Table{Caption: "Statements", Columns: frame.Columns("Month (UTC)", "#Calls", "#Records", "#Amount", "Files")}
	line := func(month frame.Cell, s statement, files frame.Cell) {
		amount := strings.TrimSuffix(s.Amount.String()+" "+s.Currency, " ")
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{month, frame.Num(s.Calls), frame.Num(s.Records), frame.Amount(amount), files}})
	}
	line(frame.Text(open.Month).And(frame.Badge("warn", "so far")), open, frame.None())
	for _, s := range list.Statements {
		if s.Month == open.Month { // of a clock that was wrong
			continue
		}
		line(frame.Text(s.Month), s, statementFiles(s.Month))
	}
	return t, nil
}

// statementFiles returns links to the files of a statement.
func statementFiles(month string) frame.Cell {
	var cell frame.Cell
	for i, f := range statementfiles.Formats() {
		name := string(f)
		link := frame.Text(name).Link(Prefix + frame.Path("statements", month, "statement."+name)).Hint("Statement of " + month + " as " + name)
		if i == 0 {
			cell = link
		} else {
			cell = cell.And(link)
		}
	}
	return cell
}

// maxDownloads is how many files are sent at the same time. It leaves slots for pages: see
// [view.throttled].
const maxDownloads = together / 2

// maxOfTenant is how many files a tenant gets at the same time: a slow reader must not take the
// slots of other tenants.
const maxOfTenant = 2

// export returns the handler of a statement's file. The name of the file is statement.FORMAT.
func (v *view) export() func(http.ResponseWriter, *frame.Request) {
	slots := newDownloads()
	return func(w http.ResponseWriter, r *frame.Request) {
		month, tenant := r.PathValue("month"), r.Caller.Tenant
		for _, f := range statementfiles.Formats() {
			if r.PathValue("file") != "statement."+string(f) {
				continue
			}
			if !slots.take(tenant) {
				tooMany(w, "Other files are being sent at the moment. Wait for a minute.")
				return
			}
			defer slots.giveBack(tenant)
			r.Download(w, "statement export", statementName{tenant, month, f}, f.ContentType(), "statement-"+tenant+"-"+month+"."+string(f))
			return
		}
		r.Fail(w, failure.New(failure.NotFound, "a statement has the files statement.html, statement.csv, statement.json and statement.ndjson"))
	}
}

// downloads counts the files that are being sent, by tenant.
type downloads struct {
	mu  sync.Mutex
	of  map[string]int
	all int
}

func newDownloads() *downloads { return &downloads{of: map[string]int{}} }

// take reports whether one more file can be sent to a tenant, and counts it.
func (d *downloads) take(tenant string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= maxDownloads || d.of[tenant] >= maxOfTenant {
		return false
	}
	d.all++
	d.of[tenant]++
	return true
}

func (d *downloads) giveBack(tenant string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.of[tenant]--; d.of[tenant] == 0 {
		delete(d.of, tenant)
	}
}

// addStatements adds the statements to the page of usage.
func (v *view) addStatements() {
	v.frame.Part(statementsPart, frame.Part{Role: operations.Developer, Template: text("statements.html"), Data: statementsData})
	v.frame.Handle("GET "+Prefix+"/statements/{month}/{file}", operations.Developer, v.export())
}
