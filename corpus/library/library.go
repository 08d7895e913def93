// Package library keeps the generations of the corpus in a directory: which one is current, how an
// import publishes the next, and when old ones are removed. Each generation is a file of its own,
// corpus-N.db, as package build makes it. So an import may take long without delaying the writer
// of tokens, queries are served from the generation before, and an import is published, complete or
// not at all, by one number in a database.
//
// With [Options.Replica], several nodes have the same corpus. Each keeps a copy of the current
// generation in a directory of its own, and adopts what the others publish: see [Library.Follow].
package library

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"stile.example/stile/corpus"
	"stile.example/stile/corpus/build"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/corpus/turns"
)

// ErrCorpus means that the file of the current generation is missing or damaged.
var ErrCorpus = errors.New("can't read the corpus")

// Numbers stores the number of the current generation, durably. It is 0 until an import has
// published the first.
type Numbers interface {
	Generation(ctx context.Context) (int64, error)
	SetGeneration(ctx context.Context, n int64) error
}

// Options is what a library needs besides its directory.
type Options struct {
	Now    func() time.Time // required
	Limits corpus.Limits    // the zero value means [corpus.DefaultLimits]
	Log    *slog.Logger     // for upgrades; nil for none
	// Replica publishes generations to other nodes, and fetches theirs. It replaces the numbers. nil:
	// there is only one machine.
	Replica *replica.Replica
}

// Library is an open corpus. It is safe for concurrent use.
type Library struct {
	dir       string
	numbers   Numbers
	opt       corpus.Options
	log       *slog.Logger
	importing use
	shared    *shared // nil: there is only one machine

	mu      sync.Mutex
	current *generation
	last    *Change        // that can be undone; nil: none
	inUse   map[int64]bool // generations that are not current and have users
}

// generation is a file with the number of its users.
type generation struct {
	*corpus.File
	n        int64
	users    int              // guarded by Library.mu
	manifest replica.Manifest // if it is shared; without hashes for generation 0
	info     os.FileInfo      // of the file, when it was opened
}

// processors is how many processors Go was given at the start, without the spare one that
// commands.serve adds.
var processors = runtime.GOMAXPROCS(0)

// Open opens the current generation in a directory, and removes what killed imports left there. No
// other process may have the directory open. A generation of an older format is opened as it is:
// see [Library.Upgrade].
func Open(ctx context.Context, dir string, numbers Numbers, opt Options) (*Library, error) {
	l := &Library{dir: dir, numbers: numbers, log: opt.Log, inUse: map[int64]bool{}, opt: corpus.Options{
		Now: opt.Now, Limits: opt.Limits, Lanes: turns.NewLanes(processors),
	}}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if opt.Replica != nil {
		l.shared = newShared(opt.Replica)
		return l, l.openShared(ctx)
	}
	n, err := numbers.Generation(ctx)
	if err != nil {
		return nil, fmt.Errorf("read corpus generation: %w", err)
	}
	if n == 0 {
		if err := l.removeOthers(n); err != nil {
			return nil, err
		}
		if err := build.Create(ctx, l.fileName(0)); err != nil {
			return nil, fmt.Errorf("make corpus: %w", err)
		}
	}
	if l.current, err = l.open(ctx, n); err != nil {
		return nil, fmt.Errorf("%s: %w: %w; restore this file from a backup", l.fileName(n), ErrCorpus, err)
	}
	l.last = l.readChange(n)
	if n != 0 { // only now: if n is missing, the others may be all that is left of the corpus
		if err := l.removeOthers(n); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// Close closes the current generation. No query may run.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current.Close()
}

// CorpusFile returns the name of the current generation's file. The next import replaces it.
func (l *Library) CorpusFile() string {
	g := l.acquire()
	defer l.release(g)
	return g.Name()
}

func (l *Library) fileName(n int64) string {
	return filepath.Join(l.dir, fmt.Sprintf("corpus-%d.db", n))
}

func (l *Library) open(ctx context.Context, n int64) (*generation, error) {
	f, err := corpus.Open(ctx, l.fileName(n), l.opt)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(f.Name())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &generation{File: f, n: n, info: info}, nil
}

// removeOthers removes all generations but n and the one before it that is kept. Generation 0 is
// removed too: it is empty, and made again at each start.
func (l *Library) removeOthers(n int64) error {
	files, err := filepath.Glob(filepath.Join(globEscape(l.dir), "corpus-*.db"))
	if err != nil {
		return err
	}
	changes, err := filepath.Glob(filepath.Join(globEscape(l.dir), "corpus-*.json"))
	if err != nil {
		return err
	}
	for _, name := range append(files, changes...) {
		if n != 0 && (name == l.fileName(n) || name == l.changeFile(n) || l.last != nil && name == l.fileName(l.last.Previous)) {
			continue
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// acquire returns the current generation, which stays open until it is released.
func (l *Library) acquire() *generation {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.users++
	return l.current
}

// release closes and removes a generation if it is not current and this was its last user.
func (l *Library) release(g *generation) {
	l.mu.Lock()
	g.users--
	isLast := g.users == 0 && g != l.current
	keep := l.isKept(g.n)
	if isLast {
		delete(l.inUse, g.n)
	}
	l.mu.Unlock() // calls wait for it, and to remove a large file takes time
	if !isLast {
		return
	}
	g.Close() // it was only read, so nothing can be lost
	switch {
	case l.shared != nil:
		l.retire(g)
	case !keep:
		os.Remove(g.Name())
	}
}

// publish makes the generation after g current. Its file must be complete. The file of g is kept,
// to undo the change, or removed with its last user if no change is given. The one that was kept
// before is removed.
func (l *Library) publish(ctx context.Context, g *generation, change *Change) error {
	if l.shared != nil {
		return l.publishShared(ctx, g, change)
	}
	if err := makeDurable(l.fileName(g.n + 1)); err != nil {
		return err
	}
	next, err := l.open(ctx, g.n+1)
	if err != nil {
		return err
	}
	if change != nil {
		change.Generation, change.Previous, change.At = next.n, g.n, l.opt.Now().UTC()
		err = l.writeChange(*change)
	}
	if err == nil {
		err = l.numbers.SetGeneration(ctx, next.n)
	}
	if err != nil {
		return errors.Join(err, next.Close(), removeIfExists(l.changeFile(next.n)))
	}
	if err := l.forgetPrevious(); err != nil { // the next start tries again
		l.log.Warn("can't remove an old generation of the corpus", "err", err)
	}
	l.swap(next, change)
	return nil
}

// swap makes a generation the current one.
func (l *Library) swap(next *generation, change *Change) {
	old := l.acquire()
	l.mu.Lock()
	l.current, l.last, l.inUse[old.n] = next, change, true
	l.mu.Unlock()
	l.release(old)
}

// makeDurable makes a file and its name durable, so that it also survives a power cut from the
// commit that names it.
func makeDurable(name string) error {
	for _, name := range []string{name, filepath.Dir(name)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
