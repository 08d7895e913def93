package library

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"stile.example/stile/corpus/replica"
)

const (
	// BehindLimit is how long a node may serve an old generation before it reports that. It stays
	// ready: what it serves was right a moment ago, and the other nodes may be as far behind.
	BehindLimit = 60 * time.Second

	pollEvery = time.Second      // between two looks at the present generation, if nothing reports it
	maxRetry  = 10 * time.Second // between two attempts to fetch a generation
)

// Following says how far a node is with the corpus of all nodes.
type Following struct {
	Generation int64     // that is served
	Present    int64     // that all nodes should serve, as far as is known
	Checked    time.Time // when Present was read last
	Since      time.Time // since when the node is behind; zero: it is not
	Problem    string    // why the last attempt to read or fetch it failed; "": it did not
	Fetched    int64     // bytes that were fetched since the start, compressed
	Stored     int64     // bytes that imports have stored since the start, compressed
}

// Behind returns for how long the node has served an older generation than the present one.
func (f Following) Behind(now time.Time) time.Duration {
	if f.Since.IsZero() {
		return 0
	}
	return max(0, now.Sub(f.Since))
}

// Note returns what /readyz must say, "" if the node is not behind for longer than [BehindLimit].
func (f Following) Note(now time.Time) string {
	if f.Behind(now) <= BehindLimit {
		return ""
	}
	text := fmt.Sprintf("corpus behind: generation %d instead of %d for %s", f.Generation, f.Present, f.Behind(now).Truncate(time.Second))
	if f.Problem != "" {
		text += ": " + f.Problem
	}
	return text
}

// Following returns how far this node is. ok is false if there is only one machine.
func (l *Library) Following() (f Following, ok bool) {
	if l.shared == nil {
		return f, false
	}
	g := l.acquire()
	defer l.release(g)
	l.shared.mu.Lock()
	f = l.shared.status
	l.shared.mu.Unlock()
	f.Generation = g.n
	f.Fetched, f.Stored = l.shared.Moved()
	return f, true
}

// PresentChanged makes [Library.Follow] look for a new generation at once. It never waits.
func (l *Library) PresentChanged() {
	if l.shared == nil {
		return
	}
	select {
	case l.shared.wake <- struct{}{}:
	default:
	}
}

// Follow adopts each generation that another node publishes, until ctx is done. Without other nodes
// it returns at once. A node that can't fetch a generation continues to serve its own, and tries
// again.
func (l *Library) Follow(ctx context.Context) {
	if l.shared == nil {
		return
	}
	for wait := time.Duration(0); ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.shared.wake:
			timer.Stop()
		case <-timer.C:
		}
		wait = l.followOnce(ctx, wait)
	}
}

// followOnce adopts the present generation, prepares for the next, and returns how long to wait.
func (l *Library) followOnce(ctx context.Context, waited time.Duration) time.Duration {
	l.shared.adopting.Lock()
	defer l.shared.adopting.Unlock()
	err := l.adopt(ctx)
	if err != nil && ctx.Err() == nil {
		if waited <= pollEvery { // the first time
			l.log.Warn("can't follow the other nodes' changes of the corpus; the generation that this node has is served", "err", err)
		}
		return min(maxRetry, 2*max(pollEvery, waited))
	}
	if err := l.prepare(ctx); err != nil && ctx.Err() == nil {
		l.log.Warn(cantPrepare, "err", err)
	}
	return pollEvery
}

const cantPrepare = "can't prepare the file of the next generation of the corpus; the next change will take longer"

// CatchUp adopts the present generation, if it is not the current one.
func (l *Library) CatchUp(ctx context.Context) error {
	if l.shared == nil {
		return nil
	}
	l.shared.adopting.Lock()
	defer l.shared.adopting.Unlock()
	return l.adopt(ctx)
}

// adopt makes the present generation the current one. shared.adopting must be held.
func (l *Library) adopt(ctx context.Context) (err error) {
	g := l.acquire()
	defer l.release(g)
	p, err := l.shared.Catalog.Present(ctx)
	l.note(g, p, err)
	if err != nil {
		return err
	}
	if p.Generation == g.n && p.ID == g.manifest.ID {
		l.mu.Lock()
		l.last = changeOf(g.manifest, p)
		l.mu.Unlock()
		return nil
	}
	err = l.fetch(ctx, p)
	l.noteFetched(err)
	return err
}

// fetch makes a generation the current one.
func (l *Library) fetch(ctx context.Context, p replica.Present) error {
	if p.Generation == 0 {
		return fmt.Errorf("the database has no corpus, although this node has one: the database was probably replaced; start the node with an empty data directory, or restore the database")
	}
	m, err := l.shared.Catalog.Manifest(ctx, p.Generation)
	if err != nil {
		return err
	}
	file := l.fileName(m.Generation)
	if err := l.makeFile(ctx, file, m); err != nil {
		return err
	}
	next, err := l.open(ctx, m.Generation)
	if err != nil {
		return errors.Join(err, removeIfExists(file))
	}
	next.manifest = m
	l.keepManifest(m)
	l.swap(next, changeOf(m, p))
	l.log.Info("the corpus was changed on another node", "generation", m.Generation)
	return nil
}

// changeOf returns the change to a generation, nil if it can't be undone.
func changeOf(m replica.Manifest, p replica.Present) *Change {
	if m.Change == nil || p.Undo != m.Change.Previous {
		return nil
	}
	return m.Change
}

// note records what was read of the present generation.
func (l *Library) note(g *generation, p replica.Present, err error) {
	s := &l.shared.status
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	if err != nil {
		s.Problem = err.Error()
		return
	}
	now := l.opt.Now()
	s.Present, s.Checked = p.Generation, now
	isBehind := p.Generation != g.n || p.ID != g.manifest.ID
	switch {
	case !isBehind:
		s.Since, s.Problem = time.Time{}, ""
	case s.Since.IsZero():
		s.Since = now
	}
}

func (l *Library) noteFetched(err error) {
	s := &l.shared.status
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	if err != nil {
		s.Problem = err.Error()
		return
	}
	s.Since, s.Problem = time.Time{}, ""
}

// Collect removes what no node needs any more from the stores of all nodes, and stores chunks of
// the present generation again that were lost there. One node at a time does anything. It returns
// how many chunks it removed.
func (l *Library) Collect(ctx context.Context) (removed int, err error) {
	if l.shared == nil {
		return 0, nil
	}
	g := l.acquire()
	defer l.release(g)
	return l.shared.Collect(ctx, g.manifest.ID, own(g))
}

// own returns the file of a generation, nil for generation 0.
func own(g *generation) *replica.File {
	if files := near(g); len(files) > 0 {
		return &files[0]
	}
	return nil
}

// CheckShared reads the present generation from the stores of all nodes, and restores what is
// missing or damaged there if this node has it. ok is false if there is only one machine.
func (l *Library) CheckShared(ctx context.Context) (c replica.Checked, ok bool, err error) {
	if l.shared == nil {
		return c, false, nil
	}
	g := l.acquire()
	defer l.release(g)
	c, err = l.shared.Check(ctx, g.manifest.ID, own(g))
	return c, true, err
}

// openShared opens the present generation: it verifies the file in the directory and repairs it, or
// fetches it. If that is impossible, it opens the generation that this node had before.
func (l *Library) openShared(ctx context.Context) error {
	p, err := l.shared.Catalog.Present(ctx)
	if err != nil {
		return err
	}
	if p.Generation == 0 {
		return l.openEmpty(ctx)
	}
	_, isNew := os.Stat(l.fileName(p.Generation))
	m, err := l.shared.Catalog.Manifest(ctx, p.Generation)
	if err == nil {
		err = l.bringHere(ctx, m)
	}
	if err == nil {
		err = l.openVerified(ctx, m, changeOf(m, p))
	}
	if err != nil {
		if earlier := l.openEarlier(ctx, p.Generation); earlier != nil {
			return fmt.Errorf("%w: %w", ErrCorpus, errors.Join(err, earlier))
		}
		l.log.Warn("can't fetch the present generation of the corpus; an earlier one is served", "generation", l.current.n, "present", p.Generation, "err", err)
		l.note(l.current, p, nil)
		l.noteFetched(err)
		return nil
	}
	l.note(l.current, p, nil)
	if err := l.removeLeftovers(); err != nil || isNew == nil {
		return err
	}
	// This start takes long in any case. Once the node serves, a change must not wait for a copy.
	if err := l.prepare(ctx); err != nil {
		l.log.Warn(cantPrepare, "err", err)
	}
	return nil
}

// nextFile is fetched at a start. If the process ends meanwhile, the next start continues with it.
const nextFile = "corpus-next.db"

// bringHere makes the file of a generation in the directory.
func (l *Library) bringHere(ctx context.Context, m replica.Manifest) error {
	file, next := l.fileName(m.Generation), filepath.Join(l.dir, nextFile)
	if _, err := os.Stat(file); err == nil {
		return l.shared.Complete(ctx, file, m, nil)
	}
	if _, err := os.Stat(next); err != nil {
		if earlier := l.earlierFile(m.Generation); earlier != "" {
			if err := copyFile(ctx, next, earlier); err != nil {
				return err
			}
		}
	}
	if err := l.shared.Complete(ctx, next, m, nil); err != nil {
		return err
	}
	return os.Rename(next, file)
}

func (l *Library) openVerified(ctx context.Context, m replica.Manifest, change *Change) error {
	g, err := l.open(ctx, m.Generation)
	if err != nil {
		return fmt.Errorf("%s: %w", l.fileName(m.Generation), err)
	}
	g.manifest = m
	l.keepManifest(m)
	l.current, l.last = g, change
	return nil
}

// openEarlier opens a generation that the node has, other than n, if it can be verified.
func (l *Library) openEarlier(ctx context.Context, n int64) error {
	file := l.earlierFile(n)
	if file == "" {
		return errors.New("this node has no other generation")
	}
	b, err := os.ReadFile(file[:len(file)-len(".db")] + ".manifest")
	if err != nil {
		return err
	}
	m, err := replica.DecodeManifest(b)
	if err != nil {
		return err
	}
	if err := l.shared.Complete(ctx, file, m, nil); err != nil {
		return err
	}
	return l.openVerified(ctx, m, nil)
}

// earlierFile returns the file of the latest generation, other than n, that has a manifest; "" if
// none has.
func (l *Library) earlierFile(n int64) (file string) {
	manifests, _ := filepath.Glob(filepath.Join(globEscape(l.dir), "corpus-*.manifest"))
	latest := int64(-1)
	for _, name := range manifests {
		var generation int64
		if _, err := fmt.Sscanf(filepath.Base(name), "corpus-%d.manifest", &generation); err != nil || generation == n || generation < latest {
			continue
		}
		if _, err := os.Stat(l.fileName(generation)); err == nil {
			file, latest = l.fileName(generation), generation
		}
	}
	return file
}

// removeLeftovers removes all files but those of the current generation, and a spare one, which is
// verified before it is used: to read it takes less time than to write another.
func (l *Library) removeLeftovers() error {
	files, err := filepath.Glob(filepath.Join(globEscape(l.dir), "corpus-*"))
	for _, name := range files {
		if name == l.fileName(l.current.n) || name == l.manifestFile(l.current.n) {
			continue
		}
		if l.adoptSpare(name) {
			continue
		}
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
