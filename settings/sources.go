package settings

import (
	"maps"
	"slices"
	"strings"
)

// prefix is the prefix of the environment variables that stile reads.
const prefix = "STILE_"

// Env returns the environment variable of a key: STILE_POLICY_TOKEN_CALLS.
func (k Key) Env() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Flag returns the command line flag of a key, without its dashes.
func (k Key) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(k.Name) }

// readEnv reads the variables with our prefix. An unknown one is a problem: otherwise a misspelt
// limit would have no effect.
func readEnv(env []string) (all []given, problems Problems) {
	names := map[string]string{}
	for _, k := range table {
		names[k.Env()] = k.Name
	}
	for _, entry := range env {
		v, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(v, prefix) || v == prefix+"CONFIG" || orchestrators(v) {
			continue
		}
		if name, known := names[v]; known {
			all = append(all, given{name: name, where: v, texts: []string{text}})
			continue
		}
		f := unknown(v, strings.ToLower(strings.TrimPrefix(v, prefix)))
		f.Key = ""
		problems = append(problems, f)
	}
	return all, problems
}

// orchestrators reports whether a variable is one of those that Kubernetes sets in every container
// next to a service named "stile".
func orchestrators(v string) bool {
	return v == prefix+"PORT" || strings.HasPrefix(v, prefix+"PORT_") || strings.HasPrefix(v, prefix+"SERVICE_")
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
