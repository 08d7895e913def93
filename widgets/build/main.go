// Command build makes the files that pages load (../dist) from ../src. It uses esbuild as a
// library, so that building does not need Node. Run it with `go generate ./widgets`. It prints the
// compressed size of each file.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	log.SetFlags(0)
	root := "widgets"
	if _, err := os.Stat("src"); err == nil {
		root = "." // go generate runs in widgets
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
	dist := filepath.Join(root, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("clear dist: %w", err)
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("make dist: %w", err)
	}
	for _, name := range names(files) {
		if err := os.WriteFile(filepath.Join(dist, name), files[name], 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		fmt.Printf("%-16s %6d bytes, gzip %6d\n", name, len(files[name]), compressed(files[name]))
	}
	return nil
}

// names returns the sorted names of the files.
func names(files map[string][]byte) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
