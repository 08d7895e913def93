// Package widgets is what a tenant's page loads: the scripts that dist holds,
// built from src by [stile.example/stile/widgets/build] and committed, so that
// the program is built without Node.
package widgets

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

//go:generate go run ./build

//go:embed dist
var dist embed.FS

// Files are the files of dist by their names, manifest.json among them.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }

// Version is the version of the files, which changes whenever one of them does.
func Version() (string, error) {
	text, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return "", fmt.Errorf("widgets: %w", err)
	}
	var m struct{ Version string }
	if err := json.Unmarshal(text, &m); err != nil || m.Version == "" {
		return "", fmt.Errorf("widgets: dist/manifest.json names no version: %w", err)
	}
	return m.Version, nil
}
