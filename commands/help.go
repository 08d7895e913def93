package commands

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// helpWidth is the maximum width of help texts, in columns.
const helpWidth = 80

// describe completes the help texts of all commands: a command that performs an operation gets the
// operation's summary, and texts and flags are wrapped.
func describe(root *cobra.Command) {
	for _, op := range operations.All() {
		if c, _, err := root.Find(strings.Fields(op.Name)); err == nil {
			c.Short = op.Summary
		}
	}
	root.InitDefaultHelpCmd()
	for _, c := range append(root.Commands(), root) {
		if c.Name() == "help" {
			c.Short = "show the help of a command"
		}
		for _, sub := range append(c.Commands(), c) {
			sub.Long = wrapParagraphs(sub.Long)
		}
	}
	flags := fmt.Sprintf(".FlagUsagesWrapped %d", helpWidth)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", flags))
}

// settingsTopic is `stile help settings`: the table of all settings. Cobra prints it as help,
// because it cannot be run.
func settingsTopic() *cobra.Command {
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

func orNothing(text string) string {
	if text == "" {
		return "(not set)"
	}
	return text
}

// settingFlags gives a command a flag for every setting, and returns a function that returns the
// flags that were given. The flags of the policy and the log are hidden in its help because they
// are many; `stile help settings` lists them.
func settingFlags(c *cobra.Command) func() map[string]string {
	texts := map[string]*string{}
	for _, k := range settings.Keys() {
		if k.Name == "data" { // every command has it
			continue
		}
		texts[k.Name] = c.Flags().String(k.Flag(), "", flagUsage(k))
		if k.Tenant || strings.HasPrefix(k.Name, "policy") || strings.HasPrefix(k.Name, "log") || k.Allowed() == "[]" {
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
	if k.Default != "" {
		text += " (default " + k.Default + ")"
	}
	return text
}

// parseFor parses the value of a flag that is a duration.
func parseFor(flag, text string) (time.Duration, error) {
	d, err := settings.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, useErrorf("--%s %q: must be a duration, such as 90s, 10m, 24h or 7d", flag, text)
	}
	return d, nil
}
