package settings

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// prefix is the prefix of the environment variables that stile reads.
const prefix = "STILE_"

// configVariable names the settings file. It is not a setting.
const configVariable = prefix + "CONFIG"

// Env returns the environment variable of a key: STILE_POLICY_TOKEN_CALLS.
func (k Key) Env() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Flag returns the command line flag of a key, without its dashes.
func (k Key) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(k.Name) }

// readEnv reads the variables with our prefix. One that is probably a misspelt setting is a
// problem: otherwise a limit would have no effect. All others that are unknown are ignored, because
// other programs use the prefix too: an image's STILE_VERSION, for example.
func readEnv(env []string) (all []given, ignored []string, problems Problems) {
	names := map[string]string{}
	for _, k := range table {
		names[k.Env()] = k.Name
	}
	for _, entry := range env {
		v, text, _ := strings.Cut(entry, "=")
		if !ours(v) || v == configVariable || orchestrators(v, text) {
			continue
		}
		if name, known := names[v]; known {
			all = append(all, given{name: name, where: v, texts: []string{text}})
			continue
		}
		if f := misspelt(v); f != nil {
			problems = append(problems, *f)
		} else {
			ignored = append(ignored, v)
		}
	}
	return all, ignored, problems
}

// misspelt returns the problem of an unknown variable that is probably meant as a setting, or nil.
func misspelt(v string) *Problem {
	name, upper := strings.ToLower(v[len(prefix):]), strings.ToUpper(v)
	for _, k := range table {
		if strings.HasPrefix(k.Env(), upper+"_") && section(strings.ReplaceAll(name, "_", ".")) {
			return &Problem{Where: v, Problem: "is a section, not a setting: set its settings, such as " + k.Env()}
		}
	}
	if near := nearestVariable(v); near != "" {
		return &Problem{Where: v, Problem: "unknown setting; did you mean " + near + "?"}
	}
	return nil
}

// ours reports whether a variable has our prefix, in whatever case.
func ours(v string) bool { return len(v) >= len(prefix) && strings.EqualFold(v[:len(prefix)], prefix) }

// ofService matches what Kubernetes sets for a service whose name begins with "stile-".
var ofService = regexp.MustCompile(`_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)`)

// orchestrators reports whether a variable is one of those that Kubernetes sets in every container
// next to a service named "stile", or "stile-" and more.
func orchestrators(v, text string) bool {
	return v == prefix+"PORT" || strings.HasPrefix(v, prefix+"PORT_") || strings.HasPrefix(v, prefix+"SERVICE_") ||
		ofService.MatchString(v) || strings.HasPrefix(text, "tcp://") || strings.HasPrefix(text, "udp://")
}

func readFlags(flags map[string]string) (all []given) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		all = append(all, given{name: name, where: "--" + Key{Name: name}.Flag(), texts: []string{flags[name]}})
	}
	return all
}

func defaults() (all []given) {
	for _, k := range table {
		g := given{name: k.Name, texts: []string{k.Default}}
		if k.value.list {
			g.texts, g.list = splitList(k.Default), true
		}
		all = append(all, g)
	}
	return all
}
