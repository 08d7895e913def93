package move

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stile.example/stile/corpus/replica"
	"stile.example/stile/store/sqlite/inspect"
)

// moveCorpus publishes the generation of the source, and before it the one that an undo of the last
// change would publish.
func (m *mover) moveCorpus(ctx context.Context, from *sql.Tx) error {
	m.progress.begin(itemsPart)
	var n int64
	if err := from.QueryRowContext(ctx, `SELECT generation FROM corpus`).Scan(&n); err != nil {
		return fmt.Errorf("read the generation: %w", err)
	}
	if n == 0 { // nothing was ever imported
		m.part(itemsPart, 0, 0, true)
		return nil
	}
	file := m.source.corpusFile(n)
	items, err := inspect.Items(ctx, file)
	if err != nil {
		return err
	}
	published, err := m.publish(ctx, n)
	if err != nil {
		return err
	}
	same, err := m.Target.Corpus.SameFile(ctx, published, file)
	if err != nil {
		return fmt.Errorf("read generation %d back: %w", published.Generation, err)
	}
	m.part(itemsPart, items, items, same)
	return nil
}

// publish publishes generation n of the source, unless the target has it from an interrupted move.
func (m *mover) publish(ctx context.Context, n int64) (replica.Manifest, error) {
	present, err := m.Target.Corpus.Catalog.Present(ctx)
	if err != nil {
		return replica.Manifest{}, err
	}
	change, err := m.source.lastChange(n)
	if err != nil {
		return replica.Manifest{}, err
	}
	parent, base := present.Generation, (*replica.File)(nil)
	if change != nil && change.Previous != 0 && present.Generation < change.Previous {
		before, err := m.Target.Corpus.Publish(ctx, m.source.corpusFile(change.Previous), replica.Manifest{Generation: change.Previous, Parent: parent}, nil)
		if err != nil {
			return before, err
		}
		parent, base = before.Generation, &replica.File{Name: m.source.corpusFile(change.Previous), Hashes: before.Hashes}
	}
	if present.Generation >= n {
		return m.Target.Corpus.Catalog.Manifest(ctx, present.Generation)
	}
	return m.Target.Corpus.Publish(ctx, m.source.corpusFile(n), replica.Manifest{Generation: n, Parent: parent, Change: change}, base)
}

// lastChange returns the change that published the generation, nil if it can't be undone.
func (s *source) lastChange(n int64) (*replica.Change, error) {
	text, err := os.ReadFile(s.changeFile(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c replica.Change
	if err := json.Unmarshal(text, &c); err != nil || c.Generation != n || c.Previous < 0 || c.Previous >= n {
		return nil, nil // the server ignores it too
	}
	if _, err := os.Stat(s.corpusFile(c.Previous)); c.Previous != 0 && err != nil {
		return nil, nil
	}
	return &c, nil
}
