// Package inspect reads a data directory's database and corpus as they are, and finds what does not
// agree: for `stile fsck`, and for a backup that is being restored.
//
// It changes nothing. It does not open the database as the server does, which fails at the first
// state that can't be read, and which migrates and replays. So it also reads what the server can't
// open.
package inspect

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/sqlite/migration"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/usage"
)

// Finding is something that does not agree, with what to do about it. All cases of one kind are one
// finding.
type Finding struct {
	Check    string   `json:"check"`    // the part that was checked
	Finding  string   `json:"finding"`  // what is wrong
	Count    int64    `json:"count"`    // how often
	Examples []string `json:"examples"` // up to three
	Fix      string   `json:"fix"`      // what to do
}

const maxExamples = 3

// Report is the result of a check.
type Report struct {
	Checked  map[string]int64 `json:"checked"`  // how much was read, by part
	Findings []Finding        `json:"findings"` // empty if everything agrees
	// Notices say what is unusual but not wrong.
	Notices []Finding `json:"notices"`
}

// Data is what is checked.
type Data struct {
	DB  *sql.DB // connections that can't write
	Dir string  // the data directory, which has the corpus and the keys
	Now time.Time
	// Keys returns the fingerprint of the keys in Dir, as the database stores it, and their secret
	// key, which seals the audit log.
	Keys func() (fingerprint string, secret []byte, err error)
	// Progress is called repeatedly with the part that is being checked, and how many rows of it
	// were read. Nil: nobody waits for it.
	Progress func(part string, rows int64)
}

// The fixes.
const (
	restoreAll = "restore all files from one backup with `stile restore`; until then, the numbers of the rows named here can't be trusted"
	reportBug  = "keep a copy of the data directory, restore the last backup that has no such finding, and report this to the developers of stile"
)

// checker collects what a check finds.
type checker struct {
	Data
	report Report
	kinds  map[[2]string]int // index of the finding of a check and a text
	part   string
	rows   int64
	used   []usage.Line // what was used; nil if the usage itself has findings
}

// Check checks everything. An error means that the check itself could not be completed, such as for
// a file that can't be opened; whatever is wrong in the files is a finding.
func Check(ctx context.Context, d Data) (Report, error) {
	c := &checker{Data: d, report: Report{Checked: map[string]int64{}, Findings: []Finding{}, Notices: []Finding{}}, kinds: map[[2]string]int{}}
	if usable, err := c.database(ctx); err != nil || !usable {
		return c.report, err
	}
	// One transaction: calls continue meanwhile, and what they change must not look like damage.
	err := rows.View(ctx, d.DB, func(tx *sql.Tx) error {
		for _, check := range []func(context.Context, *sql.Tx) error{c.tenants, c.usage, c.addresses, c.refusals, c.rules, c.history, c.statements, c.keys, c.corpus} {
			if err := check(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = c.audit(ctx)
	}
	return c.report, err
}

// begin starts to count the rows of a part.
func (c *checker) begin(part string) {
	c.part, c.rows = part, 0
	c.report.Checked[part] = 0
	c.tell()
}

// row counts a row of the part.
func (c *checker) row() {
	c.rows++
	c.report.Checked[c.part] = c.rows
	if c.rows%10_000 == 0 {
		c.tell()
	}
}

// rowsRead counts rows that were read together.
func (c *checker) rowsRead(n int64) {
	c.rows += n
	c.report.Checked[c.part] = c.rows
	c.tell()
}

func (c *checker) tell() {
	if c.Progress != nil {
		c.Progress(c.part, c.rows)
	}
}

// found adds a case of a finding in the part that is being checked.
func (c *checker) found(what, fix, example string, args ...any) {
	c.note(&c.report.Findings, what, fix, example, args...)
}

// noticed adds a case of a notice.
func (c *checker) noticed(what, fix, example string, args ...any) {
	c.note(&c.report.Notices, what, fix, example, args...)
}

func (c *checker) note(list *[]Finding, what, fix, example string, args ...any) {
	kind := [2]string{c.part, what}
	i, known := c.kinds[kind]
	if !known {
		i = len(*list)
		c.kinds[kind] = i
		*list = append(*list, Finding{Check: c.part, Finding: what, Examples: []string{}, Fix: fix})
	}
	f := &(*list)[i]
	if f.Count++; len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, fmt.Sprintf(example, args...))
	}
}

// database checks the file of the database, and reports whether its rows can be read.
func (c *checker) database(ctx context.Context) (usable bool, err error) {
	c.begin("database")
	problems, err := Integrity(ctx, c.DB)
	switch {
	case sqlite.IsDamaged(err):
		c.found("the file is damaged, or is not a database", restoreAll, "%v", err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("check the database: %w", err)
	}
	for _, p := range problems {
		c.found("the file is damaged", restoreAll, "%s", p)
	}
	if len(problems) == 0 {
		foreign, err := ForeignObjects(ctx, c.DB)
		if err != nil {
			return false, err
		}
		for _, s := range foreign {
			c.found("somebody has added a trigger or a view, which changes what the server reads or writes", restoreAll, "%s", s)
		}
	}
	missing, err := migration.Missing(ctx, c.DB)
	switch {
	case err != nil:
		return false, fmt.Errorf("read the migrations: %w", err)
	case len(missing) > 0:
		c.found("the database was written by an older version, so only the file was checked",
			"start the server, or run any other command, which migrates the database; then check again", "%s is missing", missing[0])
		return false, nil
	}
	c.report.Checked[c.part] = 1
	if len(problems) > 0 {
		return false, nil
	}
	return c.schema(ctx)
}

// Integrity returns what SQLite finds wrong in a file, at most 100 problems. It reads the whole
// file, with the full-text index of a corpus.
func Integrity(ctx context.Context, db *sql.DB) ([]string, error) {
	problems, err := rows.All(ctx, db, rows.Value[string], `PRAGMA integrity_check`)
	return slices.DeleteFunc(problems, func(p string) bool { return p == "ok" }), err
}

// ForeignObjects returns the names of the triggers and views of a database that no migration made.
// Each runs whenever its table is used: it could give somebody a role again, or hide a row.
func ForeignObjects(ctx context.Context, db *sql.DB) (foreign []string, err error) {
	found, err := rows.All(ctx, db, rows.Value[string], `SELECT sql FROM sqlite_schema WHERE type IN ('trigger', 'view') ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list the triggers: %w", err)
	}
	for _, statement := range found {
		known, err := migration.IsOfStep(statement)
		if err != nil {
			return nil, fmt.Errorf("read the migrations: %w", err)
		}
		if !known {
			foreign = append(foreign, fmt.Sprintf("%.60q", statement))
		}
	}
	return foreign, nil
}

// Rows returns how many rows each table of a database has, except those that only SQLite uses.
func Rows(ctx context.Context, db *sql.DB) (map[string]int64, error) {
	names, err := rows.All(ctx, db, rows.Value[string], `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	n := map[string]int64{}
	for _, name := range names {
		var count int64
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+name+`"`).Scan(&count); err != nil {
			return nil, fmt.Errorf("count the rows of %s: %w", name, err)
		}
		n[name] = count
	}
	return n, nil
}
