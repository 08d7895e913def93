package commands

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/settings"
)

// settingsTopic is `stile help settings`: the table of all settings. It is no
// command: it cannot be run.
func settingsTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString(`Settings come from a YAML file (--config, STILE_CONFIG, or stile.yaml), overridden
by environment variables (STILE_ and the name in capitals, with _ for each dot),
overridden by flags of serve and check (with - for each dot and underscore).
Those marked T may be set for one tenant too, by ` + "`stile tenant set`" + `.
`)
	for _, k := range settings.Keys() {
		mark := " "
		if k.Tenant {
			mark = "T"
		}
		b.WriteString("\n" + mark + " " + k.Name + ": " + orNothing(k.Default) + "\n    " + k.Doc + "\n    allowed: " + k.Allowed() + "\n")
	}
	return &cobra.Command{Use: "settings", Short: "all settings, and what they may be", Long: b.String()}
}

func orNothing(text string) string {
	if text == "" {
		return "(not set)"
	}
	return text
}

// settingFlags gives a command a flag for every setting. Those of the policy
// are not listed in its help: they are many, and `stile help settings` does.
func settingFlags(c *cobra.Command) func() map[string]string {
	texts := map[string]*string{}
	for _, k := range settings.Keys() {
		if k.Name == "data" { // every command has it
			continue
		}
		texts[k.Name] = c.Flags().String(k.Flag(), "", k.Doc)
		if k.Tenant || strings.HasPrefix(k.Name, "log") || k.Allowed() == "[]" {
			c.Flags().MarkHidden(k.Flag())
		}
	}
	return func() map[string]string {
		given := map[string]string{}
		for name, text := range texts {
			if k := (settings.Key{Name: name}); c.Flags().Changed(k.Flag()) {
				given[name] = *text
			}
		}
		return given
	}
}

// parseFor reads a flag that is a time.
func parseFor(flag, text string) (time.Duration, error) {
	d, err := settings.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, useErrorf("--%s %q is no time; allowed: such as 90s, 10m, 24h or 7d", flag, text)
	}
	return d, nil
}
