// Package confirmation asks a person before a command does what is hard to undo.
package confirmation

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
)

// Prompt asks at a terminal.
type Prompt struct {
	In       io.Reader
	Out      io.Writer
	Terminal bool // In is a terminal: a person can be asked
}

// Confirm returns nil if a command may continue: --yes was given, or the person at the terminal
// types the word. loss says what is lost, without a full stop. Without a terminal, Confirm returns
// an error that names --yes, because a script must say what it wants.
func (p Prompt) Confirm(yes bool, loss, word string) error {
	switch {
	case yes:
		return nil
	case !p.Terminal:
		return fmt.Errorf("%s; nothing was changed: to do it, add --yes", loss)
	}
	fmt.Fprintf(p.Out, "%s.\nType %s to do it: ", printing.Safe(loss), printing.Safe(word))
	line, err := bufio.NewReader(p.In).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		return errors.New("not confirmed; nothing was changed")
	}
	return nil
}

// Replace asks before a file is replaced. Only a regular file can be: a rename would destroy a
// device or a pipe.
func (p Prompt) Replace(yes bool, name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: must be a new file, or a regular file to replace", name)
	}
	loss := fmt.Sprintf("%s exists (%.1f MB, written %s) and is replaced", name, float64(info.Size())/1e6, info.ModTime().UTC().Format(time.RFC3339))
	return p.Confirm(yes, loss, "yes")
}

// AddYes adds --yes to a command that asks for confirmation.
func AddYes(c *cobra.Command, yes *bool) {
	c.Flags().BoolVar(yes, "yes", false, "don't ask for confirmation; needed in scripts")
}

// AddYesAtTerminal adds --yes to a command that asks at a terminal only.
func AddYesAtTerminal(c *cobra.Command, yes *bool) {
	c.Flags().BoolVar(yes, "yes", false, "don't ask for confirmation at a terminal")
}
