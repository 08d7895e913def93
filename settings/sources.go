package settings

import (
	"maps"
	"slices"
	"strings"
)

// prefix begins the name of every environment variable of ours.
const prefix = "STILE_"

// Env is the environment variable of a key: STILE_POLICY_TOKEN_CALLS.
func (k Key) Env() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Flag is the command line flag of a key, without its dashes.
func (k Key) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(k.Name) }

// readEnv reads the variables of ours. One that is no setting is a fault, for
// a misspelt limit would else be no limit.
func readEnv(env []string) (all []given, faults Faults) {
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
		faults = append(faults, f)
	}
	return all, faults
}

// orchestrators says that a variable is one of those that Kubernetes sets in
// every container beside a service called "stile".
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
