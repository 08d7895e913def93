package settings

import (
	"fmt"
	"strings"
)

// Markdown is docs/settings.md: the table of all settings, and a whole file
// with the defaults. A test sees to it that the file is this text.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| setting | type | default | allowed | |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range table {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Type(), code(k.Default), cell(k.Allowed()), cell(k.Doc+marks(k)))
	}
	b.WriteString(issuerIntro)
	for _, p := range parts {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.name, code(p.def), cell(p.value.allowed), cell(p.doc))
	}
	b.WriteString("\n## A whole file, with the defaults\n\n```yaml\n" + Example() + "```\n")
	return b.String()
}

const intro = `# Settings

<!-- Made from the table in settings/keys.go by ` + "`go test ./settings -update`" + `; do not edit. -->

Settings come from a YAML file (` + "`--config FILE`, else `STILE_CONFIG`, else `stile.yaml`" + ` if it is there),
overridden by environment variables, overridden by flags. A variable is the setting's name in capitals
with ` + "`STILE_`" + ` before it and ` + "`_`" + ` for each dot (` + "`STILE_POLICY_TOKEN_CALLS=500`" + `); a flag has dashes for dots and underscores
(` + "`--policy-token-calls 500`" + `). A list is written with commas there.

An unknown setting or a bad value stops the start; ` + "`stile check`" + ` names each, with its file and line.

**T** may be set for one tenant (` + "`stile tenant set CLIENT_ID policy.token.calls=500`" + `), at once and without a restart;
a running server reads these, and those marked **R**, again from its sources on SIGHUP.

`

const issuerIntro = `
## An issuer

Each entry of ` + "`issuers`" + ` is a mapping of these. ` + "`issuer`, `audience` and `clients`" + ` must be there; [Tokens of other
authorization servers](issuers.md) shows how to set up each product. ` + "`STILE_ISSUERS`" + ` takes the list as YAML on one line.

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

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// Example is a settings file with every default.
func Example() string {
	var b strings.Builder
	var open []string // sections that the last line stands in
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

// yaml is the default as a settings file has it.
func (k Key) yaml() string {
	switch {
	case k.value.list:
		return "[" + k.Default + "]"
	case k.Default == "" || strings.ContainsAny(k.Default, ":"):
		return `"` + k.Default + `"`
	}
	return k.Default
}
