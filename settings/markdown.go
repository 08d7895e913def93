package settings

import (
	"fmt"
	"strings"
)

// Markdown returns docs/settings.md: the table of all settings, and a complete file with the
// defaults. A test compares the two.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| setting | type | default | allowed | |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Type(), code(k.Default), allowed(k), cell(k.Doc+marks(k)))
	}
	b.WriteString(issuerIntro)
	for _, p := range parts {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.name, code(p.def), cell(p.value.allowed), cell(p.doc))
	}
	b.WriteString("\n## A complete file with the defaults\n\n```yaml\n" + Example() + "```\n")
	return b.String()
}

const intro = `# Settings

<!-- Generated from the table in settings/keys.go by ` + "`go test ./settings -update`" + `; do not edit. -->

Settings come from a YAML file, which environment variables override, which flags override. The
file is that of ` + "`--config FILE`, else of `STILE_CONFIG`, else `stile.yaml`" + ` if it exists. An
environment variable is the setting's name in capitals, with ` + "`STILE_`" + ` in front and ` + "`_`" + ` for each
dot: ` + "`STILE_POLICY_TOKEN_CALLS=500`" + `. A flag has dashes for dots and underscores:
` + "`--policy-token-calls 500`" + `. Both separate the values of a list with commas.

The server does not start with an unknown setting or an invalid value. ` + "`stile check`" + ` reports each
of them, with its file and line. A ` + "`STILE_…`" + ` variable that is not a setting is ignored with a
warning, unless its name is nearly that of a setting: then it is an error.

Settings marked **T** can be set for one tenant, with
` + "`stile tenant set CLIENT_ID policy.token.calls=500`" + `. They take effect without a restart.
On SIGHUP, a running server reads the settings marked **T** and **R** again from its sources.

`

const issuerIntro = `
## An issuer

Each entry of ` + "`issuers`" + ` is a mapping of these settings. The settings ` + "`issuer`, `audience`" + ` and
` + "`clients`" + ` are required. [Tokens of other authorization servers](issuers.md) shows how to set up each
product. ` + "`STILE_ISSUERS`" + ` contains the list as YAML on one line.

| setting | default | allowed | |
| --- | --- | --- | --- |
`

func marks(k Key) (s string) {
	if k.Tenant {
		s += " **T**"
	}
	if k.Live {
		s += " **R**"
	}
	return s
}

// allowed returns the allowed values of a setting, with words in code.
func allowed(k Key) string {
	if k.value.typeName != "word" {
		return cell(k.Allowed())
	}
	return code(strings.ReplaceAll(k.Allowed(), ", ", "`, `"))
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// Example returns a settings file with every default.
func Example() string {
	var b strings.Builder
	var open []string // the sections that the last line is in
	for _, k := range table {
		path := strings.Split(k.Name, ".")
		for i, section := range path[:len(path)-1] {
			if i < len(open) && open[i] == section {
				continue
			}
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), section)
			open = open[:i]
			open = append(open, section)
		}
		open = open[:len(path)-1]
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", len(path)-1), path[len(path)-1], k.yaml())
	}
	return b.String()
}

// yaml returns the default as it is written in a settings file.
func (k Key) yaml() string {
	switch {
	case k.value.list:
		return "[" + k.Default + "]"
	case k.Default == "" || strings.ContainsAny(k.Default, ":"):
		return `"` + k.Default + `"`
	}
	return k.Default
}
