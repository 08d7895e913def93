package commands

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
)

// confirm returns nil if what a command ends may be ended: --yes was given, or the person at the
// terminal types the word. loss says what goes. It ends without a full stop. Without a terminal, it
// returns an error that names --yes, because a script must say what it wants.
func (p *program) confirm(yes bool, loss, word string) error {
	switch {
	case yes:
		return nil
	case !p.terminal:
		return fmt.Errorf("%s; nothing was changed: to do it, add --yes", loss)
	}
	fmt.Fprintf(p.err, "%s.\nType %s to do it: ", printing.Safe(loss), printing.Safe(word))
	line, err := bufio.NewReader(p.in).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != word {
		return errors.New("not confirmed; nothing was changed")
	}
	return nil
}

// addYes adds --yes to a command that asks before it ends something.
func addYes(c *cobra.Command, yes *bool) {
	c.Flags().BoolVar(yes, "yes", false, "don't ask for confirmation; needed in scripts")
}

// confirmReplace asks before a file is replaced. Only a regular file can be: a rename would destroy
// a device or a pipe.
func (p *program) confirmReplace(yes bool, name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: must be a new file, or a regular file to replace", name)
	}
	return p.confirm(yes, fmt.Sprintf("%s exists (%.1f MB, written %s) and is replaced", name, float64(info.Size())/1e6, info.ModTime().UTC().Format(time.RFC3339)), "yes")
}
