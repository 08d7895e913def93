package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/content"
	"stile.example/stile/operations"
	"stile.example/stile/tokens/readable"
)

func (p *program) contentCommand() *cobra.Command {
	return syntax.Noun("content", "the corpus: its items, their import and export",
		`The corpus has collections, and a collection has items. Items without a tenant
are shared by all tenants. A tenant's own items are visible to that tenant only.`,
		`  stile content import items.jsonl
  stile content import recipes/ --collection recipes --prune
  stile content list --collection recipes
  stile content export backup.jsonl`,
		p.contentImport(), p.contentOptions(), p.contentList(), p.lists().Collections(), p.lists().Search(), p.contentShow(), p.contentRemove(), p.lists().Undo(), p.contentExport())
}

func (p *program) contentList() *cobra.Command {
	var q operations.ItemQuery
	c := &cobra.Command{Use: "list",
		Long:    "List the items of the shared corpus, or a tenant's own items, in the order of\ntheir ids. If there are more than --limit, a line on standard error says how many\nand how to continue.",
		Example: "  stile content list --collection recipes --limit 20\n  stile content list --tenant acme --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Collection, "collection", "", "only items of this `collection`")
	c.Flags().StringVar(&q.Tenant, "tenant", "", "own items of the tenant with this `client_id`, instead of the shared items")
	c.Flags().StringVar(&q.After, "after", "", "only items after this `id`")
	c.Flags().IntVar(&q.Limit, "limit", 100, "maximum `number` of items, 1 to 10000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := syntax.CheckLimit(q.Limit, 10000); err != nil {
			return err
		}
		var page operations.ItemPage
		if err := p.run(c, q, &page); err != nil {
			return err
		}
		if err := p.showItems(page.Items); err != nil || page.More == 0 {
			return err
		}
		last := page.Items[len(page.Items)-1].ID
		fmt.Fprintf(p.err, "… and %s more: --after %s continues, --limit lists up to 10,000 at once, and `stile content export` writes all\n", printing.Number(page.More), last)
		return nil
	}
	return p.prints(c)
}

func (p *program) showItems(items []operations.ItemView) error {
	if p.json {
		return printing.JSON(p.out, items)
	}
	var rows [][]string
	for _, it := range items {
		rows = append(rows, []string{it.ID, printing.OrDash(it.Collection), it.Title})
	}
	return printing.Table(p.out, "ID COLLECTION TITLE", rows)
}

func (p *program) contentShow() *cobra.Command {
	var q operations.ItemName
	c := &cobra.Command{Use: "show ID",
		Long:    "Show an item with all its fields, as the API delivers it.",
		Example: "  stile content show iceland\n  stile content show acme-news-7 --tenant acme --json",
		Args:    syntax.Takes(1, 1, "one ID")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "own item of the tenant with this `client_id`, instead of a shared item")
	c.RunE = func(c *cobra.Command, args []string) error {
		q.ID = args[0]
		var item json.RawMessage
		if err := p.run(c, q, &item); err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, item)
		}
		return p.showItem(item)
	}
	return p.prints(c)
}

func (p *program) showItem(encoded []byte) error {
	it, err := content.DecodeItem(encoded)
	if err != nil {
		return err
	}
	attributes, err := json.Marshal(it.Attributes)
	if err != nil {
		return err
	}
	return printing.Card(p.out, "id", it.ID, "collection", printing.OrDash(it.Collection), "title", it.Title, "summary", printing.OrDash(it.Summary),
		"image", printing.OrDash(it.Image), "url", printing.OrDash(it.URL), "tags", printing.OrDash(strings.Join(it.Tags, ", ")),
		"attributes", string(attributes), "body", printing.OrDash(it.Body))
}

func (p *program) contentExport() *cobra.Command {
	var q operations.ItemSelection
	var yes bool
	c := &cobra.Command{Use: "export [FILE]",
		Long: `Write the shared corpus, or a tenant's own items, as JSON lines to FILE or to
standard output. ` + "`stile content import`" + ` reads the format. It does not contain the
options that apply to all items: see ` + "`stile content options`" + `. The command asks
before it replaces a file, if it runs at a terminal.`,
		Example: "  stile content export corpus.jsonl\n  stile content export --tenant acme --collection news",
		Args:    syntax.Takes(0, 1, "a FILE or nothing")}
	c.Flags().StringVar(&q.Collection, "collection", "", "only items of this `collection`")
	c.Flags().StringVar(&q.Tenant, "tenant", "", "own items of the tenant with this `client_id`, instead of the shared items")
	c.RunE = func(c *cobra.Command, args []string) error {
		var made operations.Exported
		run := func(out io.Writer) error { return p.perform(c, q, &made, operations.Call{Out: out}) }
		if len(args) == 0 || args[0] == "-" {
			return run(p.out)
		}
		// Scripts export to the same file again and again.
		if err := p.replace(yes || !p.terminal, args[0]); err != nil {
			return err
		}
		if err := writeFile(args[0], run); err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, map[string]any{"file": args[0], "items": made.Items})
		}
		_, err := fmt.Fprintf(p.out, "%s in %s\n", readable.Count(made.Items, "item"), printing.Safe(args[0]))
		return err
	}
	confirmation.AddYesAtTerminal(c, &yes)
	return p.prints(c)
}

// writeFile writes a file completely or not at all: an existing file is replaced when the new one
// is complete. Only its owner may read it (mode 0600).
func writeFile(name string, fill func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".stile-*") // mode 0600
	if err != nil {
		var path *fs.PathError // its path is the temporary file's
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}
