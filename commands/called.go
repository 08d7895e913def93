package commands

import (
	"bytes"
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

// spellHelp makes the help of all commands write the program's name as it was typed. A template is
// written in many pieces, and a name may be in two of them.
func (p *program) spellHelp(root *cobra.Command) {
	p.names = commandNames(root)
	plain := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		var text bytes.Buffer
		c.SetOut(&text)
		plain(c, args)
		c.SetOut(p.out)
		p.asCalled(p.out).Write(text.Bytes()) // cobra ignores such errors too
	})
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
