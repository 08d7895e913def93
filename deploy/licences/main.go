// Command licences lists the licences of the modules that the program is built with. The list,
// licences.txt, is part of the repository. `check` compares it with the modules, without a network,
// so that a new module or a changed licence can't go unnoticed. `update` writes the list from what
// go-licenses detected, and `texts` prints the complete licences, which each release contains.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// file is the list, from the root of the repository.
const file = "deploy/licences/licences.txt"

// allowed are the licences that permit to distribute the program under its own.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

func main() {
	flag.Parse()
	if err := run(flag.Arg(0), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(command string, in io.Reader, out io.Writer) error {
	mods, err := modules()
	if err != nil {
		return err
	}
	switch command {
	case "check":
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return compare(string(text), mods)
	case "update":
		list, err := render(in, mods)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(list), 0o644); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s: wrote the licences of %d modules\n", file, len(mods))
		return err
	case "texts":
		return texts(mods, out)
	}
	return fmt.Errorf("unknown command %q: must be check, update or texts", command)
}

// module is a module of which the program contains at least one package.
type module struct {
	path  string
	files []string // licences and notices, with their directories
}

// modules returns the modules of the program for each platform of a release, by their paths.
func modules() (map[string]*module, error) {
	all := map[string]*module{}
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "list", "-deps", "-tags", "sqlite_fts5", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}} {{$.Dir}}{{end}}{{end}}", ".")
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=1")
		cmd.Stderr = os.Stderr
		list, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		for line := range strings.Lines(string(list)) {
			if f := strings.Fields(line); len(f) == 3 {
				addPackage(all, f[0], f[1], f[2])
			}
		}
	}
	for _, m := range all {
		slices.Sort(m.files)
		m.files = slices.Compact(m.files)
		if len(m.files) == 0 {
			return nil, fmt.Errorf("%s: has no licence file: don't distribute it", m.path)
		}
	}
	return all, nil
}

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)`)

// addPackage adds the licence files in a package's directory, and in those above it up to root, the
// directory of its module.
func addPackage(all map[string]*module, path, root, dir string) {
	m := all[path]
	if m == nil {
		m = &module{path: path}
		all[path] = m
	}
	for ; strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if !e.IsDir() && licenceName.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				m.files = append(m.files, filepath.Join(dir, e.Name()))
			}
		}
	}
}

// digest returns the first 16 hexadecimal digits of the SHA-256 of all licence files of a module.
func (m *module) digest() (string, error) {
	h := sha256.New()
	for _, name := range m.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}

// compare reports each difference between the list and the modules, and licences not allowed.
func compare(list string, mods map[string]*module) error {
	var errs []error
	listed := map[string]bool{}
	for in := bufio.NewScanner(strings.NewReader(list)); in.Scan(); {
		f := strings.Fields(in.Text())
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) != 3 {
			errs = append(errs, fmt.Errorf("%q: must be a module, its licences and a digest", in.Text()))
			continue
		}
		listed[f[0]] = true
		errs = append(errs, checkModule(mods[f[0]], f[0], f[1], f[2]))
	}
	for _, path := range slices.Sorted(maps.Keys(mods)) {
		if !listed[path] {
			errs = append(errs, fmt.Errorf("%s: is not listed", path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: run `make licences` and review the difference:\n%w", file, err)
	}
	return nil
}

func checkModule(m *module, path, licences, digest string) error {
	if m == nil {
		return fmt.Errorf("%s: is listed, but the program does not contain it", path)
	}
	for l := range strings.SplitSeq(licences, "+") {
		if !slices.Contains(allowed, l) {
			return fmt.Errorf("%s: licence %q: must be one of %s", path, l, strings.Join(allowed, ", "))
		}
	}
	if got, err := m.digest(); err != nil || got != digest {
		return errors.Join(fmt.Errorf("%s: its licence files have changed", path), err)
	}
	return nil
}

// render returns the list, with the licences that go-licenses detected for each package.
func render(csvOfPackages io.Reader, mods map[string]*module) (string, error) {
	rows, err := csv.NewReader(csvOfPackages).ReadAll()
	if err != nil {
		return "", fmt.Errorf("output of go-licenses: %w", err)
	}
	if len(rows) == 0 {
		return "", errors.New("go-licenses has reported no licence, so the list stays as it is")
	}
	found := map[string][]string{}
	for _, row := range rows {
		if len(row) == 3 {
			path := moduleOf(row[0], mods)
			found[path] = append(found[path], row[2])
		}
	}
	var b strings.Builder
	b.WriteString("# Modules of the program, their licences (+: all apply), and a digest of the licence files.\n" +
		"# `make licences` writes this list, `make check` compares it.\n")
	for _, path := range slices.Sorted(maps.Keys(mods)) {
		slices.Sort(found[path])
		sum, err := mods[path].digest()
		if err != nil {
			return "", err
		}
		licences := strings.Join(slices.Compact(found[path]), "+")
		if licences == "" {
			licences = "unknown"
		}
		fmt.Fprintf(&b, "%s %s %s\n", path, licences, sum)
	}
	return b.String(), compare(b.String(), mods)
}

// moduleOf returns the module that a package belongs to: the longest path that contains it.
func moduleOf(pkg string, mods map[string]*module) (longest string) {
	for path := range mods {
		if len(path) > len(longest) && strings.HasPrefix(pkg+"/", path+"/") {
			longest = path
		}
	}
	return longest
}

// texts prints all licence files. Those of Go's standard library come first.
func texts(mods map[string]*module, out io.Writer) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	std := &module{"Go's standard library", []string{filepath.Join(strings.TrimSpace(string(root)), "LICENSE")}}
	all := []*module{std}
	for _, path := range slices.Sorted(maps.Keys(mods)) {
		all = append(all, mods[path])
	}
	for _, m := range all {
		for _, name := range m.files {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s\n%s, %s\n\n%s\n", strings.Repeat("=", 80), m.path, filepath.Base(name), text)
		}
	}
	return nil
}
