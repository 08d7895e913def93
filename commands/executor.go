package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/content"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
	"stile.example/stile/socket"
)

// run performs the operation of a command and reads its result into out, a pointer.
func (p *program) run(c *cobra.Command, in, out any) error {
	return p.stream(c, in, out, nil, nil)
}

// stream is run for an operation that reads items or writes bytes.
func (p *program) stream(c *cobra.Command, in, out any, items iter.Seq2[content.Item, error], w io.Writer) error {
	return p.perform(c, in, out, operations.Call{Items: items, Out: w})
}

// look performs another operation than the command's own, which only reads.
func (p *program) look(c *cobra.Command, name string, in, out any) error {
	return p.performAs(c, name, in, out, operations.Call{})
}

// perform is run with the streams of a call.
func (p *program) perform(c *cobra.Command, in, out any, call operations.Call) error {
	return p.performAs(c, operationName(c), in, out, call)
}

// performAs is perform for an operation that may be another than the command's own.
func (p *program) performAs(c *cobra.Command, name string, in, out any, call operations.Call) error {
	op, ok := operations.Find(name)
	if !ok {
		return fmt.Errorf("%s: no such operation", c.CommandPath())
	}
	s, err := p.settings(nil)
	if err != nil {
		return err
	}
	if call.Input, err = json.Marshal(in); err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	e, err := p.connect(c.Context(), s, op.MayCreate())
	if err != nil {
		return datadir.ExplainAccess(c.CommandPath(), s.Data, err)
	}
	p.announce(e, c)
	result, err := e.Do(c.Context(), op, call)
	if closed := e.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result, out); err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	return nil
}

// announce says to other commands what this one does, if it has the data directory open itself. An
// import may take long.
func (p *program) announce(e executor, c *cobra.Command) {
	if l, ok := e.(*local); ok {
		what := fmt.Sprintf("`%s` is running, process %d, since %s", c.CommandPath(), os.Getpid(), p.now().UTC().Format("2006-01-02 15:04:05 UTC"))
		if err := l.dir.Announce(what); err != nil {
			l.dir.Log.Warn("other commands can't say what is running", "err", err)
		}
	}
}

// operationName returns the name of the operation that a command performs: its path, without
// "stile".
func operationName(c *cobra.Command) string {
	_, name, _ := strings.Cut(c.CommandPath(), " ")
	return name
}

// executor performs operations: a [socket.Client] in the running server, [local] in this process.
// The result is JSON in both cases.
type executor interface {
	Do(context.Context, operations.Operation, operations.Call) (json.RawMessage, error)
	Close() error
}

// connect finds the running server, or opens the data directory. Another command may have it open
// for a moment, or a server may be about to start, so connect tries both until p.patience is over.
// It creates a data directory only if create says so.
func (p *program) connect(ctx context.Context, s *settings.Settings, create bool) (executor, error) {
	for end := time.Now().Add(p.patience); ; {
		c, err := socket.Dial(ctx, s.Data)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, socket.ErrNoServer) {
			return nil, err
		}
		l, err := p.openLocal(ctx, s, create)
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

func (p *program) openLocal(ctx context.Context, s *settings.Settings, create bool) (*local, error) {
	open := datadir.OpenExisting
	if create {
		open = datadir.Open
	}
	d, err := open(ctx, s, p.now, p.logger(s))
	if err != nil {
		return nil, err
	}
	if err := d.UseOrigin(s.Origin(s.Listen)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &local{d}, nil
}

func (l *local) Do(ctx context.Context, op operations.Operation, c operations.Call) (json.RawMessage, error) {
	result, err := op.Run(ctx, l.dir, c)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

func (l *local) Close() error { return l.dir.Close() }
