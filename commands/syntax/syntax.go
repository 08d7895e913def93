// Package syntax checks what is typed: the words, arguments and flags of a command. A [UsageError]
// says what is wrong and what is allowed. Package commands has the commands themselves.
package syntax

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stile.example/stile/editdistance"
	"stile.example/stile/settings"
)

// UsageError is a usage error: an unknown flag, or a missing or malformed argument.
type UsageError struct{ what string }

func (e *UsageError) Error() string { return e.what }

// Errorf returns a [UsageError].
func Errorf(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// Noun returns a command that only has subcommands.
func Noun(use, short, long, example string, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(verbs...)
	return c
}

// NoSuchCommand refuses an argument that is not a subcommand.
func NoSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	what := fmt.Sprintf("unknown command %q", c.CommandPath()+" "+args[0])
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		nearest := slices.MinFunc(near, func(a, b string) int {
			return editdistance.Between(args[0], a) - editdistance.Between(args[0], b)
		})
		return Errorf("%s; did you mean `%s %s`?", what, c.CommandPath(), nearest)
	}
	return Errorf("%s; `%s --help` lists them", what, c.CommandPath())
}

// Takes returns a check that the number of arguments is in a range. The error says what is allowed.
func Takes(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return Errorf("`%s` takes %s; see `%s --help`", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}

// FlagError returns the usage error for an error about the flags of a command. If the command
// itself is misspelt, the error says so: its flags are unknown only because of that.
func FlagError(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); c.HasSubCommands() && len(words) > 0 {
		if err := c.ValidateArgs(words); err != nil {
			return err
		}
	}
	what := err.Error()
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok { // its text has Go's words
		what = fmt.Sprintf("--%s %q: must be %s", e.GetFlag().Name, e.GetValue(), allowed(e.GetFlag().Value.Type()))
	}
	return Errorf("%s; see `%s --help`", what, c.CommandPath())
}

// allowed says which values a type of flag has.
func allowed(kind string) string {
	switch {
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "uint"):
		return "a whole number that is not negative"
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	}
	return "a " + kind
}

// ParseDuration parses the value of a flag that is a duration.
func ParseDuration(flag, text string) (time.Duration, error) {
	d, err := settings.ParseDuration(text)
	switch {
	case errors.Is(err, settings.ErrTooLong):
		return 0, Errorf("--%s %q: is too long; the maximum is %dd", flag, text, settings.MaxDays)
	case err != nil || d < 0:
		return 0, Errorf("--%s %q: must be a duration, such as 90s, 10m, 24h or 7d", flag, text)
	}
	return d, nil
}

// CheckLimit returns an error unless the value of --limit is from 1 to a maximum.
func CheckLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return Errorf("--limit %d: must be from 1 to %d", limit, most)
	}
	return nil
}

// ParseDays parses the values of --from and --to. Each is a day, or a month, of which the first or
// the last day is meant. It returns the start of each day, UTC, or zero for an empty value.
func ParseDays(from, to string) (first, last time.Time, err error) {
	if first, err = parseDay("from", from, firstDay); err != nil {
		return first, last, err
	}
	if last, err = parseDay("to", to, lastDay); err != nil {
		return first, last, err
	}
	if to != "" && first.After(last) {
		err = Errorf("--from %s: must not be after --to %s", first.Format(time.DateOnly), last.Format(time.DateOnly))
	}
	return first, last, err
}

// parseDay parses a day, or a month, of which edge returns the day that is meant.
func parseDay(flag, text string, edge func(month time.Time) time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if month, err := time.Parse("2006-01", text); err == nil {
		return edge(month), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, Errorf("--%s %q: must be YYYY-MM-DD or YYYY-MM", flag, text)
	}
	return day, nil
}

func firstDay(month time.Time) time.Time { return month }
func lastDay(month time.Time) time.Time  { return month.AddDate(0, 1, -1) }
