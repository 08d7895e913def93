package commands

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// again returns a command as it must be typed to run again as another user: with its flags, its
// arguments, and what the environment said, which sudo removes. A token is not repeated.
func (p *program) again(c *cobra.Command) string {
	text := c.CommandPath()
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if text += " --" + f.Name; f.Value.Type() != "bool" {
				text += " " + printing.Quote(v)
			}
		}
	})
	if file := p.getenv("STILE_CONFIG"); p.config == "" && file != "" {
		text += " --config " + printing.Quote(file)
	}
	if dir := p.getenv("STILE_DATA"); p.data == "" && dir != "" {
		text += " --data " + printing.Quote(dir)
	}
	if c.HasParent() && c.Parent().Name() == "token" {
		return text + " …"
	}
	for _, arg := range c.Flags().Args() {
		text += " " + printing.Quote(arg)
	}
	return text
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
