package lists

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// Collections returns the command `stile content collections`.
func (p Commands) Collections() *cobra.Command {
	var o operations.ContentOwner
	c := &cobra.Command{Use: "collections",
		Long: `List the collections of the shared corpus, or those that a tenant sees, with the
number of their items. Also show the last change of the corpus, and until when it
can be undone.`,
		Example: "  stile content collections\n  stile content collections --tenant acme --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&o.Tenant, "tenant", "", "what the tenant with this `client_id` sees")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all operations.ContentCollections
		if err := p.Run(c, o, &all); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), all)
		}
		var rows [][]string
		for _, one := range all.Collections {
			rows = append(rows, []string{printing.OrDash(one.Collection), printing.Number(one.Items), printing.Number(one.Own)})
		}
		if err := printing.Table(p.Text(), "COLLECTION ITEMS OWN", rows); err != nil || all.LastChange == nil {
			return err
		}
		fmt.Fprintln(p.Text())
		return printing.Card(p.Text(), append(changeCard(*all.LastChange), "undo until", all.LastChange.UndoUntil.Format(time.RFC3339))...)
	}
	return p.Prints(c)
}

func changeCard(c operations.ContentChange) []string {
	owner := "the shared corpus"
	if c.Tenant != "" {
		owner = c.Tenant
	}
	card := []string{"last change", c.Kind + ", at " + c.At.Format(time.RFC3339), "generation", strconv.FormatInt(c.Generation, 10), "items of", owner,
		"items", fmt.Sprintf("%s added, %s updated, %s removed", printing.Number(c.Added), printing.Number(c.Updated), printing.Number(c.Removed))}
	if c.Source != "" {
		card = append(card, "source", c.Source)
	}
	return card
}

// Search returns the command `stile content search`.
func (p Commands) Search() *cobra.Command {
	var q operations.ContentSearch
	c := &cobra.Command{Use: "search [WORDS]",
		Long: `Search the corpus as the content API does, as a tenant sees it. The search needs no
token, and is neither counted nor charged.`,
		Example: "  stile content search 'lemon cake' --tenant acme\n  stile content search --collection recipes --sort newest",
		Args:    syntax.Takes(0, 1, "the words, as one argument")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "what the tenant with this `client_id` sees (default: the shared corpus)")
	c.Flags().StringVar(&q.Collection, "collection", "", "only items of this `collection`")
	c.Flags().StringArrayVar(&q.Tags, "tag", nil, "only items with this `tag`; may be repeated")
	c.Flags().StringVar(&q.Sort, "sort", "relevance", "`order`: relevance, newest or title")
	c.Flags().StringVar(&q.After, "cursor", "", "continue a search: the `cursor` that the page before has as next")
	q.Limit = c.Flags().Int("limit", 20, "maximum `number` of items, 1 to 50")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := syntax.CheckLimit(*q.Limit, 50); err != nil {
			return err
		}
		if len(args) == 1 {
			q.Q = args[0]
		}
		var found operations.ContentFound
		if err := p.Run(c, q, &found); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), found)
		}
		return p.showFound(found)
	}
	return p.Prints(c)
}

func (p Commands) showFound(found operations.ContentFound) error {
	var rows [][]string
	for _, raw := range found.Items {
		var it struct{ ID, Collection, Title string }
		if err := json.Unmarshal(raw, &it); err != nil {
			return fmt.Errorf("read an item: %w", err)
		}
		rows = append(rows, []string{it.ID, printing.OrDash(it.Collection), it.Title})
	}
	if err := printing.Table(p.Text(), "ID COLLECTION TITLE", rows); err != nil {
		return err
	}
	fmt.Fprintf(p.Err(), "%s items\n", printing.Number(found.Total))
	if found.Next != "" {
		fmt.Fprintf(p.Err(), "… and more: --cursor %s continues\n", found.Next)
	}
	return nil
}

// Undo returns the command `stile content undo`.
func (p Commands) Undo() *cobra.Command {
	var u operations.ContentUndo
	yes := false
	c := &cobra.Command{Use: "undo",
		Long: `Undo the last change of the corpus: an import, or the removal of items. The corpus
becomes what it was before, also the items of other tenants. To undo an undo
repeats the change.

The corpus as it was before a change is kept for 7 days, next to the current one,
until the next change or until a tenant is removed. With --generation, nothing is
undone if the corpus was changed since. The command asks first; in scripts, add
--yes.`,
		Example: "  stile content undo\n  stile content undo --generation 12 --yes --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().Int64Var(&u.Generation, "generation", 0, "`number` of the generation that the change published (default: the last one)")
	confirmation.AddYes(c, &yes)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := p.Prompt().Confirm(yes, "the corpus becomes what it was before the last change; `stile content collections` shows it", "yes"); err != nil {
			return err
		}
		var undone operations.ContentChange
		if err := p.Run(c, u, &undone); err != nil {
			return err
		}
		if p.JSON() {
			return printing.JSON(p.Out(), undone)
		}
		fmt.Fprintln(p.Text(), "undone:")
		return printing.Card(p.Text(), changeCard(undone)...)
	}
	return p.Prints(c)
}
