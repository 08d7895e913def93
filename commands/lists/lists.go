// Package lists has the commands that list refusals, tokens and addresses, and tell what happened.
package lists

import (
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/syntax"
)

// Commands makes the commands of a program.
type Commands struct{ host.Program }

// addPage adds the flags of a command that lists a page.
func addPage(c *cobra.Command, after *string, limit *int) {
	c.Flags().StringVar(after, "after", "", "continue a list after this `line`, which the page before names")
	c.Flags().IntVar(limit, "limit", 100, "maximum `number` of lines, 1 to 1000")
}

// timeOf parses the time of a flag; "" is the zero time.
func timeOf(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, syntax.Errorf("--%s %q: must be a time such as 2026-11-27T10:00:00Z, or a day such as 2026-11-27", flag, text)
}

// choiceOf parses a flag that is yes, no or not given.
func choiceOf(flag, text string) (*bool, error) {
	yes := text == "yes"
	switch text {
	case "":
		return nil, nil
	case "yes", "no":
		return &yes, nil
	}
	return nil, syntax.Errorf("--%s %q: must be yes or no", flag, text)
}

// textOf returns the text of a field that may be null.
func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
