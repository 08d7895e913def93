package upkeep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/store/sqlite/inspect"
)

// Fsck returns the command fsck.
func (p Commands) Fsck() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "fsck",
		Long: `Check that everything in the data directory agrees: the files of the database and
of the corpus, and all tables. The journal, the ledger and the states of tokens must
add up to each tenant's total, and the ledger must still have what closed statements
say. Statements must be as they were signed, and follow each other. What is encrypted
must belong to the keys. The audit log must be complete, and the tables, indexes and
triggers those of this version. Nothing is changed. The server continues to serve, but all data is read once, so
choose a quiet hour. While no server is running, damaged data that the server can't
open is checked too.

Each finding names a table and rows, and says what to do. The exit code is 1 if there
is one. A notice is unusual, and not wrong.`,
		Example: "  stile fsck\n  stile fsck --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := p.inspect(c)
			if err == nil {
				err = p.showReport(r)
			}
			if err == nil && len(r.Findings) > 0 {
				err = errors.New("some data does not agree; do what is printed above")
			}
			return err
		}})
}

func (p Commands) inspect(c *cobra.Command) (r inspect.Report, err error) {
	s, err := p.Settings()
	if err != nil {
		return r, err
	}
	x := p.Executor(c, s)
	if !s.Postgres() { // whose files are elsewhere: it is opened, as by every command
		x.Open = datadir.OpenFiles
	}
	shown := &progress{out: p.Err(), now: p.Now, next: p.Now().Add(2 * time.Second)}
	return r, p.PerformBy(c.Context(), x, c.Name(), operations.None{}, &r, operations.Call{Out: shown})
}

// showReport prints how much was checked, and then each finding.
func (p Commands) showReport(r inspect.Report) error {
	if p.JSON() {
		return printing.JSON(p.Out(), r)
	}
	var rows [][]string
	for _, part := range slices.Sorted(maps.Keys(r.Checked)) {
		rows = append(rows, []string{part, printing.Number(int(r.Checked[part]))})
	}
	if err := printing.Table(p.Out(), "CHECKED NUMBER", rows); err != nil {
		return err
	}
	show := func(prefix string, list []inspect.Finding) {
		for _, f := range list {
			fmt.Fprintf(p.Text(), "\n%s%s: %s (%s)\n  such as: %s\n  what to do: %s\n",
				prefix, f.Check, f.Finding, printing.Number(int(f.Count)), printing.Safe(strings.Join(f.Examples, "; ")), f.Fix)
		}
	}
	show("notice: ", r.Notices)
	show("", r.Findings)
	if len(r.Findings) == 0 {
		_, err := fmt.Fprintln(p.Out(), "\neverything agrees")
		return err
	}
	return nil
}

// progress shows the progress of something long, a line every 5 s.
type progress struct {
	out  io.Writer
	now  func() time.Time
	next time.Time
	line []byte // the beginning of a line
}

// Write reads lines of [operations.CheckProgress].
func (p *progress) Write(b []byte) (int, error) {
	p.line = append(p.line, b...)
	for {
		line, rest, complete := bytes.Cut(p.line, []byte("\n"))
		if !complete {
			return len(b), nil
		}
		var at operations.CheckProgress
		if json.Unmarshal(line, &at) == nil {
			p.show("checking", at.Part, int(at.Rows))
		}
		p.line = bytes.Clone(rest)
	}
}

// show prints a line, unless it has printed one just before.
func (p *progress) show(what, part string, rows int) {
	if p.now().Before(p.next) {
		return
	}
	p.next = p.now().Add(5 * time.Second)
	fmt.Fprintf(p.out, "%s: %s, %s read\n", what, printing.Safe(part), printing.Number(rows))
}
