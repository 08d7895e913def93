package printing

import (
	"io"
	"regexp"
	"strings"
)

// AsCalled returns a writer that writes to w, with the program's commands as the program was
// called: `./bin/stile tenant list` for `stile tenant list`. commands are the first words of its
// commands. A command must be written in one piece.
func AsCalled(w io.Writer, name string, commands []string) io.Writer {
	if name == "" || name == program {
		return w
	}
	return &called{w, Quote(name), regexp.MustCompile(`(^|[\s` + "`" + `"'(])` + program + ` (--help|\[command\]|\[flags\]|(?:` + strings.Join(commands, "|") + `)\b)`)}
}

const program = "stile"

type called struct {
	to      io.Writer
	name    string
	command *regexp.Regexp
}

// Write returns len(p) if all of the text was written, whatever its length was then.
func (c *called) Write(p []byte) (int, error) {
	text := c.command.ReplaceAllStringFunc(string(p), func(found string) string {
		return strings.Replace(found, program, c.name, 1)
	})
	if _, err := io.WriteString(c.to, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// plainWord matches what a shell reads as one word without quotes.
var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// Quote returns a word as it must be typed in a shell.
func Quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
