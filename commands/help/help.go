// Package help completes and wraps the help texts of the commands. It has the texts that no command
// has: those of the settings, as a topic and as flags, and those of `stile completion`.
package help

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// helpWidth is the maximum width of help texts, in columns.
const helpWidth = 80

// Describe completes the help texts of all commands: a command that performs an operation gets the
// operation's summary, and texts and flags are wrapped.
func Describe(root *cobra.Command) {
	for _, op := range operations.All() {
		if c, _, err := root.Find(strings.Fields(op.Name)); err == nil {
			c.Short = op.Summary
		}
	}
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Short = "show the help of a command"
			c.Args = names
		}
	}
	wrapAll(root)
	flags := fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", flags))
}

func wrapAll(c *cobra.Command) {
	c.Long = wrapParagraphs(c.Long)
	for _, sub := range c.Commands() {
		wrapAll(sub)
	}
}

// names refuses the arguments of help unless they name a command.
func names(c *cobra.Command, args []string) error {
	if found, rest, err := c.Root().Find(args); err == nil && found.HasSubCommands() {
		return syntax.NoSuchCommand(found, rest)
	}
	return nil
}

// Spell makes the help of all commands write the program's name as it was typed. asCalled returns a
// writer that does so. A template is written in many pieces, and a name may be in two of them, so
// it gets the whole text at once.
func Spell(root *cobra.Command, asCalled func(io.Writer) io.Writer) {
	plain := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		var text bytes.Buffer
		out := c.OutOrStdout()
		c.SetOut(&text)
		plain(c, args)
		c.SetOut(out)
		asCalled(out).Write(text.Bytes()) // cobra ignores such errors too
	})
}

// wrapParagraphs wraps the paragraphs of a text. A paragraph that contains indented lines stays as
// it is.
func wrapParagraphs(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if !strings.Contains(p, "\n ") {
			paragraphs[i] = wrap(p, "")
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// wrap breaks text into lines of at most helpWidth columns, indent included, and never inside
// backticks. The first line is not indented; the caller writes its indent.
func wrap(text, indent string) string {
	var b strings.Builder
	column := len(indent)
	text = backticks.ReplaceAllStringFunc(text, func(code string) string { return strings.ReplaceAll(code, " ", "\x00") })
	for i, word := range strings.Fields(text) {
		width := len([]rune(word))
		switch {
		case i == 0:
		case column+1+width > helpWidth:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(strings.ReplaceAll(word, "\x00", " "))
		column += width
	}
	return b.String()
}

var backticks = regexp.MustCompile("`[^`]+`")
