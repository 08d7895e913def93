package commands

import (
	"context"

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
	c.Flags().BoolVar(&f.moved, "use-moved", false, "serve the data directory although `stile move` has moved its data; it lacks all changes since then")
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
		m, err := datadir.UseMoved(s.Data)
		if err != nil {
			return err
		}
		log.Warn("the data was moved, and is used nevertheless: the two copies differ from now on", "data", s.Data, "moved_to", m.To, "moved_at", m.At)
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
