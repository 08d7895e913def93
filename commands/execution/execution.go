// Package execution performs an operation for a command: in the running server, through its socket,
// or in this process if no server is running. It is the same function with the same result.
package execution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"stile.example/stile/commands/printing"
	"stile.example/stile/datadir"
	"stile.example/stile/datadir/access"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
	"stile.example/stile/socket"
)

// Executor performs the operations of one command. All fields must be set.
type Executor struct {
	Settings *settings.Settings
	Command  string // its name, for messages
	Again    string // the whole command, for advice to run it as another user
	Now      func() time.Time
	Patience time.Duration // how long to wait for another process to release the data directory
	Log      *slog.Logger
	Err      io.Writer // gets a line if a data directory is created
	// Open opens the data directory for an operation that creates nothing.
	Open func(context.Context, *settings.Settings, func() time.Time, *slog.Logger) (*datadir.Dir, error)
}

// Do performs an operation, and returns its result as JSON.
func (x Executor) Do(ctx context.Context, op operations.Operation, call operations.Call) (json.RawMessage, error) {
	e, err := x.connect(ctx, op.MayCreate())
	if err != nil {
		return nil, access.Explain(x.Again, x.Settings.Data, err)
	}
	x.announce(e)
	result, err := e.Do(ctx, op, call)
	if closed := e.Close(); err == nil {
		err = closed
	}
	return result, err
}

// announce says to other commands what this one does, if it has the data directory open itself. An
// import may take long.
func (x Executor) announce(e connection) {
	if l, ok := e.(*local); ok {
		what := fmt.Sprintf("`%s` is running, process %d, since %s", x.Command, os.Getpid(), x.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
		if err := l.dir.Announce(what); err != nil {
			l.dir.Log.Warn("other commands can't say what is running", "err", err)
		}
	}
}

// connection performs operations: a [socket.Client] in the running server, [local] in this process.
// The result is JSON in both cases.
type connection interface {
	Do(context.Context, operations.Operation, operations.Call) (json.RawMessage, error)
	Close() error
}

// connect finds the running server, or opens the data directory. Another command may have it open
// for a moment, or a server may be about to start, so connect tries both until x.Patience is over.
// It creates a data directory only if create says so.
func (x Executor) connect(ctx context.Context, create bool) (connection, error) {
	s := x.Settings
	for end := time.Now().Add(x.Patience); ; {
		c, err := socket.Dial(ctx, s.Data)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, socket.ErrNoServer) {
			return nil, err
		}
		l, err := x.openLocal(ctx, create)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, datadir.ErrHeld) {
			return nil, err
		}
		if time.Now().After(end) {
			if what := datadir.Holder(s.Data); what != "" {
				return nil, fmt.Errorf("%s is in use: %s; try again when that is done", s.Data, what)
			}
			return nil, fmt.Errorf("%s is held by another process that does not respond at %s; wait until it has started or ended, then try again. If it is a server that runs for longer, restart it", s.Data, socket.File(s.Data))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// local performs operations in this process.
type local struct{ dir *datadir.Dir }

func (x Executor) openLocal(ctx context.Context, create bool) (*local, error) {
	s, open := x.Settings, x.Open
	if create {
		open = datadir.Open
	}
	d, err := open(ctx, s, x.Now, x.Log)
	if err != nil {
		return nil, err
	}
	if dir := d.Created(); dir != "" {
		fmt.Fprintf(x.Err, "created the data directory %s\n", printing.Safe(dir))
	}
	if err := d.UseOrigin(s.Origin(s.Listen)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &local{d}, nil
}

func (l *local) Do(ctx context.Context, op operations.Operation, c operations.Call) (json.RawMessage, error) {
	c.Actor = operations.CommandLine(os.Getuid())
	result, err := op.Run(ctx, l.dir, c)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

func (l *local) Close() error { return l.dir.Close() }
