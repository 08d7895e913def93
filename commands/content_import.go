package commands

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/report"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/socket"
)

// importFlags are the arguments and flags of an import, without those of options.
type importFlags struct {
	src    content.Source
	o      operations.ImportOptions
	format string
	yes    bool
}

func (p *program) contentImport() *cobra.Command {
	var f importFlags
	c := &cobra.Command{Use: "import FILE|DIR|URL|-",
		Long: `Import items from JSON lines, CSV, a folder of Markdown files, or a feed (RSS,
Atom, JSON Feed). An item replaces the existing item with the same id. During the
import, the API continues to serve the old corpus. With -, the items are read
from standard input.

If an item is invalid, nothing is imported, and each error is reported with its
file and line. With --skip-invalid, the other items are imported, the invalid
ones are listed, and the exit code is 0. Drafts are always left out and listed.
With --dry-run, everything is read and checked, and the command says what it
would change.

--prune removes what is missing from the import. It asks before it removes 10
items or more, if these are more than half of the items or all of a collection;
in scripts, add --yes. It removes nothing if invalid items were skipped, since
their older versions would be removed.

--searchable, --synonyms, --labels and --url apply to all items of the shared
corpus, or of the tenant. They stay until a later import changes them, and an
empty value clears them: --searchable "". Without FILE, only they are changed.
If what is searched changes, existing items are indexed again. To see them, use
` + "`stile content options`" + `.`,
		Example: `  stile content import items.jsonl
  stile content import recipes/ --collection recipes --prune --dry-run
  stile content import docs/ --exclude 'README.md' --skip-invalid
  stile content import https://www.example.org/feed.xml --tenant acme
  stile content import items.jsonl --searchable capital,codes
  stile content import --synonyms equal.csv --labels labels.yaml
  stile content import --url 'https://publisher.example/{id}'`,
		Args: syntax.Takes(0, 1, "one FILE, DIR, URL or -")}
	options := addOptionFlags(c)
	f.register(c)
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if f.format != "" {
			if f.src.Format, err = content.ParseFormat(f.format); err != nil {
				return syntax.Errorf("--%v", err)
			}
		}
		if f.o.Options, err = options.read(c); err != nil {
			return err
		}
		if len(args) == 0 {
			return p.changeOptions(c, f)
		}
		f.src.Path = args[0]
		return p.importFrom(c, f)
	}
	return p.prints(c)
}

func (f *importFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.src.Collection, "collection", "", "`collection` of the items that don't name one")
	c.Flags().StringVar(&f.o.Tenant, "tenant", "", "import the items as the own items of the tenant with this `client_id`, instead of as shared items")
	c.Flags().StringVar(&f.format, "format", "", "`format`: jsonl, csv, markdown or feed (default: detected from name and content)")
	c.Flags().StringArrayVar(&f.src.Exclude, "exclude", nil, "`pattern` of files and folders in DIR that are not read, such as README.md or drafts/**; may be repeated")
	c.Flags().BoolVar(&f.src.SkipInvalid, "skip-invalid", false, "import the valid items, and list the invalid ones")
	c.Flags().BoolVar(&f.o.DryRun, "dry-run", false, "say what would be changed, and change nothing")
	c.Flags().BoolVar(&f.o.Prune, "prune", false, "remove the items of the imported collections that are missing from the import")
	c.Flags().BoolVar(&f.yes, "yes", false, "don't ask before --prune removes most of the items")
}

// importFrom imports a source. If a removal must be confirmed, it asks, and reads the source again.
func (p *program) importFrom(c *cobra.Command, f importFlags) error {
	f.o.SkipInvalid, f.o.Collection = f.src.SkipInvalid, f.src.Collection
	f.o.Source = sourceName(f.src.Path)
	if f.src.Path == "-" {
		f.src.Path, f.src.Reader = "stdin", p.in
	}
	if f.yes {
		f.o.Confirmed = math.MaxInt
	}
	for {
		result, err := p.importOnce(c, f)
		if err != nil {
			return err
		}
		large := result.Unconfirmed
		if large == nil || f.o.DryRun {
			return p.showResult(result, f)
		}
		emptied := ""
		if large.Emptied && large.Items < large.Of {
			emptied = ", all of a collection among them"
		}
		loss := fmt.Sprintf("--prune removes %s of %s items%s, which are missing from the import (--dry-run shows what it would change)",
			printing.Number(large.Items), printing.Number(large.Of), emptied)
		prompt := p.prompt()
		prompt.Terminal = prompt.Terminal && f.src.Reader == nil // else the items are on standard input
		if err := prompt.Confirm(false, loss, "yes"); err != nil {
			return err
		}
		f.o.Confirmed = large.Items
	}
}

// importOnce reads the items in this process. They are imported where the data directory is open:
// in the server or here.
func (p *program) importOnce(c *cobra.Command, f importFlags) (result imports.Result, err error) {
	show := report.NewProgress(p.err, p.now)
	var notices report.Notices
	f.src.Progress, f.src.Notice, f.src.Now = show.Reading, notices.Add, p.now()
	var unread error // why the source could not be read to the end
	complete := false
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	if f.src.Reader != nil {
		f.src.Reader = readUntil(ctx, f.src.Reader)
	}
	items := func(yield func(content.Item, error) bool) {
		for it, err := range content.Read(ctx, f.src) {
			if err != nil && !new(imports.Result).Omit(err) {
				unread = err
			}
			if !yield(it, err) {
				return
			}
		}
		complete = unread == nil
	}
	if fresh, failed := p.hasNoData(); failed != nil {
		return result, failed
	} else if f.o.DryRun && fresh {
		result, err = operations.PreviewWithoutData(c.Context(), f.o, items)
	} else {
		again, stop := items, func() {}
		if fresh { // a source that can't be opened must not create a data directory
			again, stop = opened(items)
		}
		defer stop()
		if unread == nil {
			err = p.perform(c, f.o, &result, operations.Call{Items: again, StopItems: cancel})
		}
	}
	show.End()
	notices.Show(p.err)
	if unread != nil && !errors.Is(unread, context.Canceled) { // if it was stopped, err says why
		err = unread
	}
	return result, notImported(c.Context(), f, err, complete)
}

// opened begins to read items, and returns an iterator of all of them. stop must be called.
func opened(items iter.Seq2[content.Item, error]) (all iter.Seq2[content.Item, error], stop func()) {
	next, stop := iter.Pull2(items)
	it, err, ok := next()
	return func(yield func(content.Item, error) bool) {
		for ; ok && yield(it, err); it, err, ok = next() {
		}
	}, stop
}

// notImported says what an error of an import means. complete says that all items were sent.
func notImported(ctx context.Context, f importFlags, err error, complete bool) error {
	var lines content.LineErrors
	cutOff, isCutOff := errors.AsType[content.CutOffError](err)
	nothing := "nothing was imported"
	if f.o.DryRun {
		nothing = "the import would fail"
	}
	switch {
	case err == nil:
		return nil
	case isCutOff && cutOff.After > 0:
		return &linesError{err, fmt.Sprintf("%s, because nothing after the item on line %d can be read; fix the lines above", nothing, cutOff.After)}
	case isCutOff:
		return &linesError{err, nothing + ", because the rest can't be read; fix the lines above"}
	case errors.As(err, &lines) && f.src.SkipInvalid:
		return &linesError{err, nothing + ", because no item is valid; fix the lines above"}
	case errors.As(err, &lines):
		return &linesError{err, nothing + "; fix the lines above and try again, or import the other items with --skip-invalid"}
	case errors.Is(err, socket.ErrLost) && complete && !f.o.DryRun:
		return fmt.Errorf("%w when it had all items: they may have been imported; run the import again, which changes nothing if they were", socket.ErrLost)
	case ctx.Err() != nil:
		return errors.New("nothing was imported: interrupted")
	case errors.Is(err, socket.ErrLost) && !f.o.DryRun:
		return fmt.Errorf("%s: %w before it had all items; run the import again", nothing, socket.ErrLost)
	}
	return fmt.Errorf("%s: %w", nothing, err)
}

// hasNoData reports whether there is no data yet.
func (p *program) hasNoData() (bool, error) {
	s, err := p.settings(nil)
	if err != nil {
		return false, err
	}
	return !datadir.HasData(s.Data), nil
}

// sourceName names a source and this process, for the message to other imports. A URL is shown
// without what may be secret.
func sourceName(path string) string {
	switch u, err := url.Parse(path); {
	case path == "-":
		path = "standard input"
	case err == nil && u.Host != "":
		path = u.Scheme + "://" + u.Host + u.EscapedPath()
	default:
		if full, err := filepath.Abs(path); err == nil {
			path = full
		}
	}
	return fmt.Sprintf("%s, process %d", path, os.Getpid())
}

// showResult shows the result of a source. Pages that are left out now may have been published.
func (p *program) showResult(r imports.Result, f importFlags) error {
	err := p.showImport(r)
	if r.LeftOut.Count > 0 && (!f.o.Prune || r.NotPruned) {
		fmt.Fprintln(p.err, "a page that is left out and was published before is still published; an import with --prune removes it")
	}
	return err
}

func (p *program) showImport(r imports.Result) error {
	if p.json {
		return report.JSON(p.out, r)
	}
	return report.Text(p.out, p.err, r)
}
