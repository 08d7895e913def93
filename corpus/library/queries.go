package library

import (
	"context"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/content/options"
)

// Search calls [corpus.File.Search] of the current generation.
func (l *Library) Search(ctx context.Context, q content.Query) (content.Page, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Search(ctx, q)
}

// Suggest calls [corpus.File.Suggest] of the current generation.
func (l *Library) Suggest(
	ctx context.Context, tenant uint32, q string,
) ([]content.Suggestion, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Suggest(ctx, tenant, q)
}

// Related calls [corpus.File.Related] of the current generation.
func (l *Library) Related(
	ctx context.Context, tenant uint32, id string, limit int,
) ([][]byte, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Related(ctx, tenant, id, limit)
}

// Item calls [corpus.File.Item] of the current generation.
func (l *Library) Item(_ context.Context, tenant uint32, id string) ([]byte, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Item(tenant, id)
}

// Collections calls [corpus.File.Collections] of the current generation.
func (l *Library) Collections(
	ctx context.Context, tenant uint32,
) ([]content.CollectionCount, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Collections(ctx, tenant)
}

// List calls [corpus.File.List] of the current generation.
func (l *Library) List(
	ctx context.Context, f content.Filter, after string, limit int,
) ([]content.Item, error) {
	g := l.acquire()
	defer l.release(g)
	return g.List(ctx, f, after, limit)
}

// Count calls [corpus.File.Count] of the current generation.
func (l *Library) Count(ctx context.Context, f content.Filter, after string) (int, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Count(ctx, f, after)
}

// OwnCollections calls [corpus.File.OwnCollections] of the current generation.
func (l *Library) OwnCollections(
	ctx context.Context, owner uint32,
) ([]content.CollectionCount, error) {
	g := l.acquire()
	defer l.release(g)
	return g.OwnCollections(ctx, owner)
}

// Export yields what [corpus.File.Export] does. All items are of one generation, whatever is
// imported meanwhile.
func (l *Library) Export(ctx context.Context, f content.Filter) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		g := l.acquire()
		defer l.release(g)
		g.Export(ctx, f)(yield)
	}
}

// Options calls [corpus.File.Options] of the current generation.
func (l *Library) Options(ctx context.Context, owner uint32) (options.Options, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Options(ctx, owner)
}

// Labels calls [corpus.File.Labels] of the current generation.
func (l *Library) Labels(ctx context.Context, tenant uint32, language string) ([]byte, error) {
	g := l.acquire()
	defer l.release(g)
	return g.Labels(ctx, tenant, language)
}

// Items returns how many items an owner has.
func (l *Library) Items(owner uint32) int {
	g := l.acquire()
	defer l.release(g)
	return g.Items(owner)
}

// Stats returns how large the corpus is.
func (l *Library) Stats(context.Context) (content.Stats, error) {
	g := l.acquire()
	defer l.release(g)
	s, err := g.Stats()
	s.Generation = g.n
	return s, err
}
