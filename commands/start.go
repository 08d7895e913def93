package commands

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"stile.example/stile/datadir"
	"stile.example/stile/datadir/access"
	"stile.example/stile/settings"
)

// newFiles are the flags of serve for files that are lost, and for data that was moved.
type newFiles struct{ keys, corpus, moved bool }

func (f *newFiles) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.keys, "new-keys", false, "create keys.json if it is lost; live tokens and all tenants' secrets become invalid")
	c.Flags().BoolVar(&f.corpus, "new-corpus", false, "start with an empty corpus if the file of the corpus is lost")
	c.Flags().BoolVar(&f.moved, "use-moved", false, "make a data directory usable again, permanently, whose data stile move has moved; it lacks all changes since then. Needed once")
}

// prepare creates the files that the flags name, and warns about what an operator can't see from
// the settings alone: variables that are ignored, and files that other users can read. again is the
// command, for advice.
func (p *program) prepare(ctx context.Context, s *settings.Settings, again string, f newFiles) error {
	log := p.logger(s)
	for _, w := range s.Ignored() {
		log.Warn("an environment variable is ignored, because it is not a setting", "variable", w.Where)
	}
	access.Log(s.Data, again, log)
	if f.moved {
		if err := useMoved(s.Data, log); err != nil {
			return err
		}
	}
	if f.keys {
		if err := datadir.NewKeys(ctx, s, p.now, log); err != nil {
			return err
		}
	}
	if f.corpus {
		return datadir.NewCorpus(ctx, s, p.now, log)
	}
	return nil
}

// useMoved makes a directory usable again whose data was moved.
func useMoved(dir string, log *slog.Logger) error {
	m, isMoved, err := datadir.UseMoved(dir)
	switch {
	case err != nil:
		return err
	case isMoved:
		log.Warn("the data was moved, and can be used again from now on, also without --use-moved: the two copies differ", "data", dir, "moved_to", m.To, "moved_at", m.At)
	default:
		log.Warn("--use-moved does nothing, because the data was not moved or can be used again already; remove it, or it makes the data usable after the next move too", "data", dir)
	}
	return nil
}
