// Command build makes the console's style sheet and script (../dist) from ../src. It uses esbuild
// as a library, so that building does not need Node. Run it with `go generate ./console/dist`. It
// prints the compressed size of each file.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	log.SetFlags(0)
	root := "console"
	if _, err := os.Stat("../src"); err == nil {
		root = ".." // go generate runs in console/dist
	}
	if err := run(root); err != nil {
		log.Fatal(err)
	}
}

func run(root string) error {
	files, err := build(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "dist", name), text, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		fmt.Printf("%-12s %6d bytes, gzip %6d\n", name, len(text), compressed(text))
	}
	return nil
}

// build returns the contents of the files by name.
func build(root string) (map[string][]byte, error) {
	dir, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", root, err)
	}
	files := map[string][]byte{}
	for name, entry := range map[string]string{"console.js": "src/console.ts", "passkeys.js": "src/passkeys.ts", "console.css": "src/console.css"} {
		result := api.Build(api.BuildOptions{
			AbsWorkingDir: dir, EntryPoints: []string{entry}, Outfile: name,
			Bundle: true, Format: api.FormatESModule, Target: api.ES2022, Charset: api.CharsetUTF8,
			MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
			LegalComments: api.LegalCommentsNone,
			TsconfigRaw:   `{"compilerOptions": {"strict": true}}`, // ignore any tsconfig.json
		})
		var errs []error
		for _, m := range append(result.Errors, result.Warnings...) {
			errs = append(errs, fmt.Errorf("%s: %s", entry, m.Text))
		}
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		files[name] = result.OutputFiles[0].Contents
	}
	return files, nil
}

// compressed returns the size of a text compressed with gzip -9.
func compressed(text []byte) int {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(text)                                  // writing to a buffer can't fail
	_ = w.Close()
	return b.Len()
}
