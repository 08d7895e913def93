package commands

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
	"stile.example/stile/tokens/signing"
)

func (p *program) keyCommand() *cobra.Command {
	return syntax.Noun("key", "the keys that sign tokens",
		`The server signs tokens with its signing key, which it creates at the first
start. The public part is published at /.well-known/jwks.json.`,
		"  stile key list\n  stile key rotate", p.keyList(), p.keyRotate(), p.keyReencrypt())
}

func (p *program) keyList() *cobra.Command {
	return p.prints(&cobra.Command{Use: "list",
		Long:    "List the key that signs, and the older keys. Each of these verifies tokens until\nthe last token that it signed has expired.",
		Example: "  stile key list --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var keys []operations.KeyView
			if err := p.run(c, operations.None{}, &keys); err != nil {
				return err
			}
			return p.showKeys(keys, keys)
		}})
}

func (p *program) keyRotate() *cobra.Command {
	var alg string
	c := &cobra.Command{Use: "rotate",
		Long: `Create a new key, which signs from now on. The old key verifies tokens until the
last token that it signed has expired, so issued tokens stay valid.`,
		Example: "  stile key rotate\n  stile key rotate --alg ES256",
		Args:    syntax.Takes(0, 0, "no arguments")}
	c.Flags().StringVar(&alg, "alg", signing.EdDSA, "`algorithm` of the new key: "+strings.Join(signing.Algorithms(), ", "))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains(signing.Algorithms(), alg) {
			return syntax.Errorf("--alg %q: unknown algorithm; must be one of %s", alg, strings.Join(signing.Algorithms(), ", "))
		}
		var key operations.KeyView
		if err := p.run(c, operations.KeyRotation{Alg: alg}, &key); err != nil {
			return err
		}
		return p.showKeys(key, []operations.KeyView{key})
	}
	return p.prints(c)
}

func (p *program) keyReencrypt() *cobra.Command {
	return p.prints(&cobra.Command{Use: "reencrypt",
		Long: `Encrypt what is encrypted in PostgreSQL again, with the first key in the file of
the setting store_key_file. To change that key while nodes run, add the new key on
the second line of the file of each node and restart the nodes, one by one. Then
put it on the first line, restart them again, run this command, and remove the old
key.`,
		Example: "  stile key reencrypt",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			var done operations.KeyReencrypted
			if err := p.run(c, operations.None{}, &done); err != nil {
				return err
			}
			if p.json {
				return printing.JSON(p.out, done)
			}
			_, err := fmt.Fprintln(p.out, reencrypted(done))
			return err
		}})
}

// reencrypted says what was encrypted again, and what to check before the next step.
func reencrypted(done operations.KeyReencrypted) string {
	key := fmt.Sprintf("the key %.8s…, the first one in store_key_file", done.Key)
	if done.Values == 0 {
		return "everything is already encrypted with " + key + "; to change it, put the new key first on each node and restart it"
	}
	values := "values"
	if done.Values == 1 {
		values = "value"
	}
	return fmt.Sprintf("encrypted %d %s again with %s; before you remove the old key, check that the file of each node has this one, and that each was restarted since",
		done.Values, values, key)
}

func (p *program) showKeys(asJSON any, keys []operations.KeyView) error {
	if p.json {
		return printing.JSON(p.out, asJSON)
	}
	var rows [][]string
	for _, k := range keys {
		use := "verifies"
		if k.Signs {
			use = "signs"
		}
		rows = append(rows, []string{k.KID, k.Alg, printing.Time(&k.CreatedAt), use, printing.Time(k.VerifiesUntil)})
	}
	return printing.Table(p.out, "KID ALG CREATED USE UNTIL", rows)
}
