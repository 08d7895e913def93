package commands

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/settings"
)

// commandNames are the first words of all commands that a text may contain.
func commandNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// asCalled returns w with a program name as it was typed in each command, so that a reader can copy
// a command from an error, a hint or a help text.
func (p *program) asCalled(w io.Writer) io.Writer {
	return printing.AsCalled(w, p.name, p.names)
}

// sameData returns the program's name, with the flags that lead a command to the data directory of
// s from this working directory: those that serve was given, or what the environment said.
func (p *program) sameData(s *settings.Settings) string {
	text := printing.Quote(cmp.Or(p.name, "stile"))
	if file := cmp.Or(p.config, p.getenv("STILE_CONFIG")); file != "" {
		text += " --config " + printing.Quote(file)
	}
	if p.data != "" || p.getenv("STILE_DATA") != "" {
		text += " --data " + printing.Quote(s.Data)
	}
	return text
}
