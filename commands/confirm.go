package commands

import (
	"fmt"
	"os"

	"stile.example/stile/commands/confirmation"
	"stile.example/stile/datadir"
)

// prompt asks before a command does what is hard to undo.
func (p *program) prompt() confirmation.Prompt {
	return confirmation.Prompt{In: p.in, Out: p.err, Terminal: p.terminal}
}

// replace asks before a file is replaced. The files that stile itself needs are never replaced.
func (p *program) replace(yes bool, file string) error {
	s, err := p.settings(nil)
	if err != nil {
		return err
	}
	if datadir.IsOwn(s.Data, file) || sameFile(file, p.settingsFile()) {
		return fmt.Errorf("%s: stile itself needs this file; write to another one", file)
	}
	return p.prompt().Replace(yes, file)
}

// sameFile reports whether two names lead to one file that exists.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	other, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(one, other)
}
