// Command package makes the Debian package of stile: the program, its units, a configuration file,
// and shell completion. It is a module of its own, so that the program does not depend on the
// library that writes packages.
package main

import (
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

func main() {
	binary := flag.String("binary", "../../bin/stile", "the program")
	version := flag.String("version", "", "version of the package (default: of the last commit)")
	out := flag.String("out", "../../dist", "directory for the package")
	flag.Parse()
	if err := build(*binary, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

// build writes the package, and prints its name.
func build(binary, version, out string) error {
	if version == "" {
		var err error
		if version, err = lastCommit(); err != nil {
			return err
		}
	}
	libc, err := neededLibc(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "stile-package")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	content, err := contents(binary, dir)
	if err != nil {
		return err
	}
	info := &nfpm.Info{
		Name: "stile", Arch: runtime.GOARCH, Platform: "linux", Version: version, Section: "web", Priority: "optional",
		Maintainer: "the publisher <root@localhost>", License: "Apache-2.0",
		Description: "content API that keeps a curated corpus from being scraped\nTenants' sites show the content of a publisher in their visitors' browsers.\nEach call is checked, counted and charged.",
		Overridables: nfpm.Overridables{
			Contents: content, Depends: append(libc, "passwd"), Recommends: []string{"ca-certificates"},
			Scripts: nfpm.Scripts{PostInstall: "scripts/postinst", PreRemove: "scripts/prerm", PostRemove: "scripts/postrm"},
		},
	}
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	name := filepath.Join(out, deb.Default.ConventionalFileName(info))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(deb.Default.Package(info, f), f.Close()); err != nil {
		return err
	}
	fmt.Println(name)
	return nil
}

// contents returns the files of the package. It writes those that are made here into dir.
func contents(binary, dir string) (all files.Contents, err error) {
	add := func(from, to, kind string, mode os.FileMode) {
		all = append(all, &files.Content{Source: from, Destination: to, Type: kind, FileInfo: &files.ContentFileInfo{Mode: mode, Owner: "root", Group: "root"}})
	}
	add(binary, "/usr/bin/stile", "", 0o755)
	add("stile.yaml", "/etc/stile/stile.yaml", files.TypeConfigNoReplace, 0o640)
	add("../../LICENSE", "/usr/share/doc/stile/copyright", "", 0o644)
	for _, name := range []string{"../../CHANGELOG.md", "../../docs/operators.md", "../../docs/operating.md", "../../docs/first-day.md", "../prometheus/stile.rules.yml", "../grafana/stile.json"} {
		add(name, "/usr/share/doc/stile/"+filepath.Base(name), "", 0o644)
	}
	for _, name := range []string{"stile.service", "stile-backup.service", "stile-backup.timer"} {
		unit, err := packagedUnit(name, dir)
		if err != nil {
			return nil, err
		}
		add(unit, "/usr/lib/systemd/system/"+name, "", 0o644)
	}
	for shell, to := range map[string]string{
		"bash": "/usr/share/bash-completion/completions/stile", "zsh": "/usr/share/zsh/vendor-completions/_stile",
		"fish": "/usr/share/fish/vendor_completions.d/stile.fish",
	} {
		text, err := completion(binary, shell)
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "completion."+shell)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return nil, err
		}
		add(file, to, "", 0o644)
	}
	return all, nil
}

// completion returns the completion for a shell, which completes the name stile.
func completion(binary, shell string) ([]byte, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "completion", shell)
	cmd.Args[0] = "stile"
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("stile completion %s: %w", shell, err)
	}
	return text, nil
}

// packagedUnit writes a unit of deploy/systemd with the path of the packaged program.
func packagedUnit(name, dir string) (string, error) {
	text, err := os.ReadFile("../systemd/" + name)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name)
	return file, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/stile", "/usr/bin/stile")), 0o644)
}

// lastCommit returns a version that rises with the time of the last commit, and is lower than any
// release.
func lastCommit() (string, error) {
	out, err := exec.Command("git", "show", "-s", "--date=format-local:%Y%m%d%H%M%S", "--format=0~git%cd.%h").Output()
	if err != nil {
		return "", fmt.Errorf("the version of the last commit: %w; give one with -version", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// neededLibc returns the dependency on the C library: on the newest version of which the program
// uses a symbol. A static program has none.
func neededLibc(binary string) ([]string, error) {
	f, err := elf.Open(binary)
	if err != nil {
		return nil, fmt.Errorf("%w; run make build first", err)
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	newest := 0
	for _, s := range symbols {
		if minor, ok := strings.CutPrefix(s.Version, "GLIBC_2."); ok {
			first, _, _ := strings.Cut(minor, ".")
			if n, err := strconv.Atoi(first); err == nil {
				newest = max(newest, n)
			}
		}
	}
	return []string{fmt.Sprintf("libc6 (>= 2.%d)", newest)}, nil
}
