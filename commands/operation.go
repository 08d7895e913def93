package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/execution"
	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// run performs the operation of a command and reads its result into out, a pointer.
func (p *program) run(c *cobra.Command, in, out any) error {
	return p.perform(c, in, out, operations.Call{})
}

// perform is run for an operation that reads items or writes bytes: they are in call.
func (p *program) perform(c *cobra.Command, in, out any, call operations.Call) error {
	s, err := p.settings(nil)
	if err != nil {
		return err
	}
	return performBy(c.Context(), p.executor(c, s), operationName(c), in, out, call)
}

// look performs another operation than the command's own, which only reads.
func (p *program) look(c *cobra.Command, name string, in, out any) error {
	s, err := p.settings(nil)
	if err != nil {
		return err
	}
	return performBy(c.Context(), p.executor(c, s), name, in, out, operations.Call{})
}

// executor returns what performs a command's operations.
func (p *program) executor(c *cobra.Command, s *settings.Settings) execution.Executor {
	return execution.Executor{Settings: s, Command: c.CommandPath(), Again: p.again(c), Now: p.now, Patience: p.patience, Log: p.logger(s), Err: p.err,
		Open: datadir.OpenExisting}
}

// performBy performs the operation of a name.
func performBy(ctx context.Context, x execution.Executor, name string, in, out any, call operations.Call) (err error) {
	op, ok := operations.Find(name)
	if !ok {
		return fmt.Errorf("%s: no such operation", x.Command)
	}
	if call.Input, err = json.Marshal(in); err != nil {
		return fmt.Errorf("write the input: %w", err)
	}
	result, err := x.Do(ctx, op, call)
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
