package watch

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"stile.example/stile/events"
)

const importMark = "import "

// Import is an import that has begun.
type Import struct {
	w      *Watcher
	tenant string
	key    string
}

// begun is the note of an import's mark.
type begun struct {
	Tenant string `json:"tenant"`
	Corpus string `json:"corpus"` // the generation before
}

// ImportBegins stores that an import begins, so that a later start reports it if this process ends
// before. tenant is the client_id of its owner, "" for the shared corpus.
func (w *Watcher) ImportBegins(ctx context.Context, tenant string) (*Import, error) {
	note, err := json.Marshal(begun{tenant, w.Corpus()})
	if err != nil {
		return nil, err
	}
	i := &Import{w, tenant, importMark + rand.Text()}
	if err := w.Outbox.Begin(ctx, i.key, string(note)); err != nil {
		return nil, fmt.Errorf("store that an import begins, so nothing was imported; look at the database, and try again: %w", err)
	}
	return i, nil
}

// Finished emits that the import has published its items.
func (i *Import) Finished(ctx context.Context, r events.ImportResult) error {
	return i.end(ctx, finished(i.tenant, &r))
}

// Failed emits that the import has changed nothing. reason is one of those of
// [events.ImportFailure].
func (i *Import) Failed(ctx context.Context, reason, message string) error {
	return i.end(ctx, failed(i.tenant, reason, message))
}

func finished(tenant string, r *events.ImportResult) events.Event {
	return events.Event{Type: events.ImportFinished, Tenant: tenant, Data: events.Import{Tenant: tenant, Result: r}}
}

func failed(tenant, reason, message string) events.Event {
	return events.Event{Type: events.ImportFailed, Tenant: tenant,
		Data: events.ImportFailure{Tenant: tenant, Reason: reason, Message: events.SafeText(message, 500)}}
}

// end emits the event that ends an import, even if the caller has gone.
func (i *Import) end(ctx context.Context, e events.Event) error {
	e.At, e.Mark = i.w.Now(), events.Mark{Key: i.key, When: events.Ends}
	if _, err := i.w.Outbox.Emit(context.WithoutCancel(ctx), e); err != nil {
		return fmt.Errorf("the import has ended, but webhooks are not informed until the server restarts: %w", err)
	}
	return nil
}

// recoverImports emits the events of imports that another process began and did not end. If the
// corpus is a later generation, the import published it.
func (w *Watcher) recoverImports(ctx context.Context) error {
	open := map[string]begun{}
	var bad error
	err := w.Outbox.EachMark(ctx, importMark, func(key string, _ int64, note string) {
		var b begun
		if err := json.Unmarshal([]byte(note), &b); err != nil {
			bad = fmt.Errorf("read the note of an import: %w", err)
		}
		open[key] = b
	})
	if err != nil || bad != nil {
		return fmt.Errorf("read imports that have begun: %w", cmp.Or(err, bad))
	}
	if len(open) > 0 && w.Importing != nil { // after the marks were read: they may be of that import
		if runs, err := w.Importing(ctx); runs || err != nil {
			return err
		}
	}
	for key, b := range open {
		e := failed(b.Tenant, "interrupted", "the process ended during the import")
		if b.Corpus != w.Corpus() {
			e = finished(b.Tenant, nil)
		}
		i := Import{w, b.Tenant, key}
		if err := i.end(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
