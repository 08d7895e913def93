package help

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"stile.example/stile/settings"
)

// SettingsTopic is `stile help settings`: the table of all settings. Cobra prints it as help,
// because it cannot be run.
func SettingsTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString(`Settings are read from a YAML file: --config, STILE_CONFIG, or stile.yaml.
Environment variables override the file: STILE_ and the name in capitals, with _
for each dot. Flags of serve and check override both: the name with - for each
dot and underscore. A setting marked T can also be set for one tenant, by
` + "`stile tenant set`" + `.
`)
	for _, k := range settings.Keys() {
		mark := " "
		if k.Tenant {
			mark = "T"
		}
		b.WriteString("\n" + mark + " " + wrap(k.Name+": "+orNothing(k.Default), "    ") + "\n")
		b.WriteString("    " + wrap(k.Doc, "    ") + "\n    " + wrap("allowed: "+k.Allowed(), "    ") + "\n")
	}
	return &cobra.Command{Use: "settings", Short: "all settings and their allowed values", Long: b.String()}
}

// SettingFlags gives a command a flag for every setting, and returns a function that returns the
// flags that were given. The flags of the policy and the log are hidden in its help because they
// are many; `stile help settings` lists them.
func SettingFlags(c *cobra.Command) func() map[string]string {
	texts := map[string]*string{}
	for _, k := range settings.Keys() {
		if k.Name == "data" || k.Secret { // every command has --data, and others can read flags
			continue
		}
		texts[k.Name] = c.Flags().String(k.Flag(), "", flagUsage(k))
		if k.Tenant || strings.HasPrefix(k.Name, "policy") || strings.HasPrefix(k.Name, "log") || strings.HasSuffix(k.Name, "_file") || k.Allowed() == "[]" {
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

// flagUsage returns the usage of a setting's flag: the first sentence about the setting, and the
// default.
func flagUsage(k settings.Key) string {
	text, _, _ := strings.Cut(strings.TrimSuffix(k.Doc, "."), ". ")
	if first, n := utf8.DecodeRuneInString(text); len(text) > n && unicode.IsLower(rune(text[n])) {
		text = string(unicode.ToLower(first)) + text[n:]
	}
	text = strings.ReplaceAll(text, "`", "") // pflag takes what is between them as the value's name
	if k.Default != "" {
		text += " (default " + k.Default + ")"
	}
	return text
}

func orNothing(text string) string {
	if text == "" {
		return "(not set)"
	}
	return text
}
