package commands

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

func (p *program) nodesCommand() *cobra.Command {
	return p.prints(&cobra.Command{Use: "nodes", Short: "list the nodes that share a database",
		Long: `List the servers that share a database, with what each does alone, and the
settings in which it differs from the node that responds. A node that has said
nothing for 5 s is silent. Live servers that share a name are marked "same name":
give each its own with the setting node. Commands that run without a server are
in the list too.`,
		Example: "  stile nodes\n  stile nodes --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var all []operations.NodeView
			if err := p.run(c, operations.None{}, &all); err != nil {
				return err
			}
			if p.json {
				return printing.JSON(p.out, all)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(p.out, "there is one server: its store is sqlite, which is not shared")
				return err
			}
			return printing.Table(p.out, "NODE KIND STATE VERSION ADDRESS STARTED SEEN CORPUS ALONE DIFFERS", nodeRows(all))
		}})
}

func nodeRows(all []operations.NodeView) (rows [][]string) {
	for _, n := range all {
		var tasks []string
		for _, t := range n.Tasks {
			tasks = append(tasks, t.Name)
		}
		rows = append(rows, []string{fmt.Sprintf("%s (%d)", n.Name, n.Number), n.Kind, nodeState(n), n.Version, orDash(n.Address), printing.Time(&n.StartedAt), printing.Time(&n.SeenAt),
			fmt.Sprint(n.Generation), orDash(strings.Join(tasks, ", ")), orDash(strings.Join(n.Differs, ", "))})
	}
	return rows
}

// nodeState returns the state of a node, and whether another has its name.
func nodeState(n operations.NodeView) string {
	if n.SameName {
		return n.State + ", same name"
	}
	return n.State
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
