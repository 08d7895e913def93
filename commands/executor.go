package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/settings"
)

// executor an operation can be done: [remote] in the running server, [local] in
// this process. Its answer is JSON either way.
type executor interface {
	do(ctx context.Context, name string, c input) (json.RawMessage, error)
	close() error
}

// run does one operation and reads its result.
func (p *program) run(ctx context.Context, name string, params, result any) error {
	return p.stream(ctx, name, params, result, nil, nil)
}

// stream is do for an operation with items in or a stream out.
func (p *program) stream(ctx context.Context, name string, params, result any, items iter.Seq2[content.Item, error], out io.Writer) error {
	s, err := p.settings(nil)
	if err != nil {
		return err
	}
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("write the parameters: %w", err)
	}
	place, err := p.connect(ctx, s)
	if err != nil {
		return err
	}
	answer, err := place.do(ctx, name, input{body, items, out})
	if closed := place.close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// connect finds the running server, or opens the data directory. Another command
// may have it open for a moment, or a server may be about to start: so it
// tries both for a while.
func (p *program) connect(ctx context.Context, s *settings.Settings) (executor, error) {
	for end := time.Now().Add(p.patience); ; {
		r, err := dial(ctx, s.Data)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, errNoServer) {
			return nil, err
		}
		held, err := takeLock(s.Data)
		if err == nil {
			return openLocal(ctx, p, s, held)
		}
		if !errors.Is(err, errHeld) {
			return nil, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s is held by another process that does not answer at %s; wait for it to start or to end, and try again", s.Data, socketFile(s.Data))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// local does operations in this process.
type local struct {
	app  *app
	held *lock
}

func openLocal(ctx context.Context, p *program, s *settings.Settings, held *lock) (executor, error) {
	a, err := openApp(ctx, s, p.now, p.logger(s))
	if err == nil {
		err = a.useOrigin(s.Origin(s.Listen))
	}
	if err != nil {
		held.release()
		return nil, err
	}
	return &local{a, held}, nil
}

func (l *local) do(ctx context.Context, name string, c input) (json.RawMessage, error) {
	result, err := operations[name](ctx, l.app, c)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

func (l *local) close() error { return errors.Join(l.app.close(), l.held.release()) }

// settings reads the settings by --config and --data and, for serve and
// check, by a flag for each of them.
func (p *program) settings(flags map[string]string) (*settings.Settings, error) {
	src := settings.Source{File: p.config, Env: p.env, Flags: map[string]string{}}
	for name, text := range flags {
		src.Flags[name] = text
	}
	if p.data != "" {
		src.Flags["data"] = p.data
	}
	if src.File == "" {
		src.File = p.getenv("STILE_CONFIG")
	}
	if src.File == "" {
		if _, err := os.Stat("stile.yaml"); err == nil {
			src.File = "stile.yaml"
		}
	}
	return settings.Load(src)
}

func (p *program) getenv(name string) (value string) {
	for _, entry := range p.env {
		if len(entry) > len(name) && entry[:len(name)] == name && entry[len(name)] == '=' {
			value = entry[len(name)+1:]
		}
	}
	return value
}
