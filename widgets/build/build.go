package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// release is the version of the widget layer. A hash of the files is appended, because their URLs
// must change whenever their contents do.
const release = "1.0.0"

// unversioned is the placeholder for the version. build replaces it when the hash is known.
const unversioned = release + "-00000000"

// A bundle is one file of dist and its entry point.
type bundle struct {
	name, entry string
	classic     bool // a classic script, not a module
}

// bundles returns the files to build. Each language is a file of its own, so that a page loads at
// most one.
func bundles(root string) ([]bundle, error) {
	all := []bundle{
		{"stile.js", "src/stile.ts", true},
		{"stile.mjs", "src/stile.ts", false},
		{"core.mjs", "src/core.ts", false},
		{"challenge.mjs", "src/challenge/index.ts", false},
		{"proofs.mjs", "src/proofs/index.ts", false},
		{"dev.mjs", "src/dev/index.ts", false},
		{"template.mjs", "src/elements/template.ts", false},
		{"carousel.mjs", "src/elements/carousel.ts", false},
		{"prose.mjs", "src/elements/prose.ts", false},
		{"controls.mjs", "src/elements/controls.ts", false},
	}
	for prefix, folder := range map[string]string{"lang-": "src/lang", "dialog-": "src/lang/dialog"} {
		found, err := filepath.Glob(filepath.Join(root, folder, "??.ts"))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("%s has no languages: %w", folder, err)
		}
		for _, f := range found {
			lang := strings.TrimSuffix(filepath.Base(f), ".ts")
			all = append(all, bundle{prefix + lang + ".mjs", folder + "/" + lang + ".ts", false})
		}
	}
	return all, nil
}

// build returns the contents of all files by name.
func build(root string) (map[string][]byte, error) {
	all, err := bundles(root)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, b := range all {
		if files[b.name], err = b.build(root); err != nil {
			return nil, err
		}
	}
	if files["stile.d.ts"], err = os.ReadFile(filepath.Join(root, "src", "stile.d.ts")); err != nil {
		return nil, fmt.Errorf("read the types: %w", err)
	}
	version := versionOf(files)
	for name := range files {
		files[name] = bytes.ReplaceAll(files[name], []byte(unversioned), []byte(version))
	}
	files["manifest.json"], err = manifest(version, files)
	return files, err
}

// versionOf returns the release and a hash of the files' contents.
func versionOf(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range names(files) {
		fmt.Fprintf(h, "%s %d\n%s", name, len(files[name]), files[name])
	}
	return release + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

func (b bundle) build(root string) ([]byte, error) {
	dir, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", root, err)
	}
	o := api.BuildOptions{
		AbsWorkingDir: dir, EntryPoints: []string{b.entry}, Outfile: b.name,
		Bundle: true, Format: api.FormatESModule, Target: api.ES2022, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
		LegalComments: api.LegalCommentsNone,
		TsconfigRaw:   `{"compilerOptions": {"strict": true}}`, // ignore any tsconfig.json
		Define:        map[string]string{"STILE_VERSION": `"` + unversioned + `"`, "STILE_CLASSIC": strconv.FormatBool(b.classic)},
	}
	if b.classic {
		o.Format = api.FormatIIFE
		o.Define["import.meta.url"] = `""` // a classic script uses document.currentScript
	}
	result := api.Build(o)
	var errs []error
	for _, m := range append(result.Errors, result.Warnings...) {
		where := ""
		if m.Location != nil {
			where = fmt.Sprintf("%s:%d: ", m.Location.File, m.Location.Line)
		}
		errs = append(errs, fmt.Errorf("%s%s", where, m.Text))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return result.OutputFiles[0].Contents, nil
}
