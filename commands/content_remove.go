package commands

import (
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

func (p *program) contentRemove() *cobra.Command {
	var q operations.ItemNames
	var yes bool
	c := &cobra.Command{Use: "remove ID…",
		Long: `Remove items from the corpus. If one of them does not exist, none is removed.
With --collection instead of ids, remove all items of a collection; the command
asks first, or needs --yes. ` + "`stile content undo`" + ` undoes it within 7 days, if it was
the last change of the corpus.`,
		Example: `  stile content remove iceland greenland
  stile content remove acme-news-7 --tenant acme
  stile content remove --collection recipes --yes`,
		Args: syntax.Takes(0, 10000, "one ID or more, or --collection")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "own items of the tenant with this `client_id`, instead of shared items")
	c.Flags().StringVar(&q.Collection, "collection", "", "all items of this `collection`")
	c.Flags().BoolVar(&yes, "yes", false, "don't ask before a collection is removed")
	c.RunE = func(c *cobra.Command, args []string) error {
		if (len(args) == 0) == (q.Collection == "") {
			return syntax.Errorf("`%s` takes one ID or more, or --collection with a name; see `%s --help`", c.CommandPath(), c.CommandPath())
		}
		if q.IDs = args; yes {
			q.Confirmed = math.MaxInt
		}
		gone, err := p.removeItems(c, q)
		if err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, gone)
		}
		_, err = fmt.Fprintf(p.out, "removed %d\n", gone.Removed)
		return err
	}
	return p.prints(c)
}

// removeItems removes items. It asks before it removes a collection.
func (p *program) removeItems(c *cobra.Command, q operations.ItemNames) (gone operations.RemovedItems, err error) {
	for {
		gone = operations.RemovedItems{}
		if err := p.run(c, q, &gone); err != nil || gone.Unconfirmed == nil {
			return gone, err
		}
		n := gone.Unconfirmed.Items
		what := fmt.Sprintf("collection %s with %s items", q.Collection, printing.Number(n))
		if err := p.prompt().Confirm(false, what+" is removed", q.Collection); err != nil {
			return gone, err
		}
		q.Confirmed = n
	}
}
