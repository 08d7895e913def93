package commands

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"stile.example/stile/content"
	"stile.example/stile/operations"
)

func (p *program) contentImport() *cobra.Command {
	var src content.Source
	var o operations.ImportOptions
	var format string
	c := &cobra.Command{Use: "import FILE|DIR|URL|-", Short: "import items, all or none",
		Long: `Imports items from JSON lines, CSV, a folder of Markdown files, or a feed (RSS,
Atom, JSON Feed). An item that is there already is replaced. Either all items are
imported or, if one is wrong, none: what is wrong is named with its file and line.
While it runs the API answers from the old corpus. - is standard input.`,
		Example: `  stile content import items.jsonl
  stile content import recipes/ --collection recipes --prune
  stile content import https://www.example.org/feed.xml --tenant acme`,
		Args: takes(1, 1, "one FILE, DIR, URL or -")}
	c.Flags().StringVar(&src.Collection, "collection", "", "`collection` of the items that name none")
	c.Flags().StringVar(&o.Tenant, "tenant", "", "`client_id` whose own the items are; without it all tenants see them")
	c.Flags().StringVar(&format, "format", "", "jsonl, csv, markdown or feed; without it the name and the beginning tell")
	c.Flags().BoolVar(&o.Prune, "prune", false, "remove items that are missing from the collections that the import touches")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if format != "" {
			if src.Format, err = content.ParseFormat(format); err != nil {
				return useErrorf("--%v", err)
			}
		}
		if src.Path = args[0]; src.Path == "-" {
			src.Path, src.Reader = "stdin", p.in
		}
		return p.importFrom(c, src, o)
	}
	return p.prints(c)
}

// importFrom reads the items here, and has them put into the corpus wherever
// the data directory is open.
func (p *program) importFrom(c *cobra.Command, src content.Source, o operations.ImportOptions) error {
	show := newProgress(p.err, p.now)
	src.Progress = show.reading
	var unread error // why the source could not be read to its end
	items := func(yield func(content.Item, error) bool) {
		for it, err := range content.Read(c.Context(), src) {
			unread = err
			if !yield(it, err) {
				return
			}
		}
	}
	var result content.Result
	err := p.stream(c, o, &result, items, nil)
	show.end()
	if unread != nil {
		err = unread
	}
	var faults content.LineErrors
	switch {
	case errors.As(err, &faults):
		return &linesError{faults, "nothing was imported; mend the lines above and try again"}
	case err != nil:
		return fmt.Errorf("nothing was imported: %w", err)
	}
	return p.showImport(result)
}

func (p *program) showImport(r content.Result) error {
	if p.json {
		if r.Collections == nil {
			r.Collections = map[string]int{}
		}
		return writeJSON(p.out, r)
	}
	fmt.Fprintf(p.out, "added %d, updated %d, unchanged %d, removed %d\n", r.Added, r.Updated, r.Unchanged, r.Removed)
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Collections)) {
		rows = append(rows, []string{cellOr(name), strconv.Itoa(r.Collections[name])})
	}
	return table(p.out, "COLLECTION ITEMS", rows)
}
