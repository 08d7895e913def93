package commands

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/labels"
	"stile.example/stile/content/options"
	"stile.example/stile/corpus/synonyms"
	"stile.example/stile/operations"
)

// optionFlags are the flags of an import that change the options of an owner.
type optionFlags struct{ searchable, synonyms, labels, url string }

func addOptionFlags(c *cobra.Command) *optionFlags {
	var f optionFlags
	c.Flags().StringVar(&f.searchable, "searchable", "", "`names` of attributes whose texts are searched, separated by commas")
	c.Flags().StringVar(&f.synonyms, "synonyms", "", "CSV `file`: each line has 2 to 8 equal names, such as holland,netherlands")
	c.Flags().StringVar(&f.labels, "labels", "", "YAML `file`: display names of facets, collections and values, by language")
	c.Flags().StringVar(&f.url, "url", "", "`URL` of items that have none, with {id} and perhaps {collection} in it")
	return &f
}

// read returns the change that the flags describe. It reads the files, and checks everything.
func (f *optionFlags) read(c *cobra.Command) (ch options.Change, err error) {
	if c.Flags().Changed("searchable") {
		names := []string{}
		if strings.TrimSpace(f.searchable) != "" {
			names = strings.Split(f.searchable, ",")
		}
		ch.Searchable = &names
	}
	if c.Flags().Changed("url") {
		ch.URL = &f.url
	}
	if _, err := ch.Apply(options.Options{}); err != nil {
		return ch, syntax.Errorf("--%v", err)
	}
	if c.Flags().Changed("synonyms") {
		ch.Synonyms, err = readOption(f.synonyms, synonyms.MaxFile, func(text string) error {
			_, err := synonyms.Parse(f.synonyms, text)
			return err
		})
	}
	if err == nil && c.Flags().Changed("labels") {
		ch.Labels, err = readOption(f.labels, labels.MaxFile, func(text string) error {
			_, err := labels.Parse(f.labels, text)
			return err
		})
	}
	if err != nil {
		return ch, fmt.Errorf("nothing was imported: %w", err)
	}
	return ch, nil
}

// readOption returns the text of a file that check accepts. Without a name, the text is empty.
func readOption(name string, most int, check func(text string) error) (*string, error) {
	if name == "" {
		return &name, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err // it contains "open" and the name
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	text := string(all)
	if err == nil {
		err = check(text)
	}
	return &text, err
}

// changeOptions changes the options without an import of items.
func (p *program) changeOptions(c *cobra.Command, f importFlags) error {
	o := f.o
	if o.Options.IsEmpty() || o.Prune || f.yes || f.hasSourceFlags() {
		return syntax.Errorf("`%s` takes one FILE, DIR, URL or -; only --searchable, --synonyms, --labels and --url work without one", c.CommandPath())
	}
	var result imports.Result
	none := func(func(content.Item, error) bool) {}
	fresh, err := p.hasNoData()
	switch {
	case err != nil:
		return err
	case o.DryRun && fresh:
		result, err = operations.PreviewWithoutData(c.Context(), o, none)
	default:
		err = p.perform(c, o, &result, operations.Call{Items: none})
	}
	if err != nil {
		return fmt.Errorf("the options were not changed: %w", err)
	}
	return p.showImport(result)
}

// hasSourceFlags reports whether a flag says how to read a source.
func (f importFlags) hasSourceFlags() bool {
	s := f.src
	return s.Collection != "" || s.Format != content.Auto || len(s.Exclude) > 0 || s.SkipInvalid
}

func (p *program) contentOptions() *cobra.Command {
	var q operations.ContentOwner
	c := &cobra.Command{Use: "options",
		Long: "Show what imports have chosen for all items of the shared corpus, or of a tenant:\n" +
			"searchable attributes, synonyms, labels and the URL of items without one.\n" +
			"`stile content import` changes them; a backup contains them, an export does not.",
		Example: "  stile content options\n  stile content options --tenant acme --json",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Tenant, "tenant", "", "options of the tenant with this `client_id`, instead of those of the shared items")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var o operations.ContentOptions
		if err := p.run(c, q, &o); err != nil {
			return err
		}
		if p.json {
			return printing.JSON(p.out, o)
		}
		var languages []string
		for _, l := range o.Labels {
			languages = append(languages, l.Language)
		}
		return printing.Card(p.out, "searchable", printing.OrDash(strings.Join(o.Searchable, ",")), "synonyms", "groups: "+strconv.Itoa(len(o.Synonyms)),
			"labels", printing.OrDash(strings.Join(languages, ", ")), "url", printing.OrDash(o.URL))
	}
	return p.prints(c)
}
