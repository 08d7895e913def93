package commands

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/content"
	"stile.example/stile/operations"
)

func (p *program) contentImport() *cobra.Command {
	var src content.Source
	var o operations.ImportOptions
	var format string
	c := &cobra.Command{Use: "import FILE|DIR|URL|-",
		Long: `Import items from JSON lines, CSV, a folder of Markdown files, or a feed (RSS,
Atom, JSON Feed). An item replaces the existing item with the same id. If an item
is invalid, nothing is imported, and each error is reported with its file and
line. During the import, the API continues to serve the old corpus. With -, the
items are read from standard input.

--searchable, --synonyms, --labels and --url apply to all items of the shared
corpus, or of the tenant. They stay until a later import changes them, and an
empty value clears them: --searchable "". Without FILE, only they are changed.
If what is searched changes, existing items are indexed again. To see them, use
` + "`stile content options`" + `.`,
		Example: `  stile content import items.jsonl
  stile content import recipes/ --collection recipes --prune
  stile content import https://www.example.org/feed.xml --tenant acme
  stile content import items.jsonl --searchable capital,codes
  stile content import --synonyms equal.csv --labels labels.yaml
  stile content import --url 'https://publisher.example/{id}'`,
		Args: takes(0, 1, "one FILE, DIR, URL or -")}
	options := addOptionFlags(c)
	c.Flags().StringVar(&src.Collection, "collection", "", "`collection` of the items that don't name one")
	c.Flags().StringVar(&o.Tenant, "tenant", "", "import the items as the own items of the tenant with this `client_id`, instead of as shared items")
	c.Flags().StringVar(&format, "format", "", "`format`: jsonl, csv, markdown or feed (default: detected from name and content)")
	c.Flags().BoolVar(&o.Prune, "prune", false, "remove the items of the imported collections that are missing from the import")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if format != "" {
			if src.Format, err = content.ParseFormat(format); err != nil {
				return useErrorf("--%v", err)
			}
		}
		if o.Options, err = options.read(c); err != nil {
			return err
		}
		if len(args) == 0 {
			return p.changeOptions(c, src, o)
		}
		if src.Path = args[0]; src.Path == "-" {
			src.Path, src.Reader = "stdin", p.in
		}
		return p.importFrom(c, src, o)
	}
	return p.prints(c)
}

// importFrom reads the items in this process. They are imported where the data directory is open:
// in the server or here.
func (p *program) importFrom(c *cobra.Command, src content.Source, o operations.ImportOptions) error {
	show := newProgress(p.err, p.now)
	src.Progress, src.Now = show.reading, p.now()
	var unread error // why the source could not be read to the end
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
	var lines content.LineErrors
	switch {
	case errors.As(err, &lines):
		return &linesError{lines, "nothing was imported; fix the lines above and try again"}
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
		return printing.JSON(p.out, r)
	}
	fmt.Fprintf(p.out, "added %d, updated %d, unchanged %d, removed %d\n", r.Added, r.Updated, r.Unchanged, r.Removed)
	if r.IndexedAgain > 0 {
		fmt.Fprintf(p.out, "indexed again %d, because the options changed\n", r.IndexedAgain)
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Collections)) {
		rows = append(rows, []string{printing.OrDash(name), strconv.Itoa(r.Collections[name])})
	}
	if len(rows) == 0 { // only options were changed
		return nil
	}
	return printing.Table(p.out, "COLLECTION ITEMS", rows)
}
