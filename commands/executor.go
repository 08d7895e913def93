package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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
	return p.perform(c, operationName(c), in, out, operations.Call{Items: items, Out: w})
}

// look performs another operation than the command's own, which only reads.
func (p *program) look(c *cobra.Command, name string, in, out any) error {
	return p.perform(c, name, in, out, operations.Call{})
}

func (p *program) perform(c *cobra.Command, name string, in, out any, call operations.Call) error {
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
