// Package widgets contains the scripts that a tenant's page loads. They are in dist, built from src
// by [stile.example/stile/widgets/build]. They are committed, so that building the program does not
// need Node.
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

// Files returns the files of dist by name, including manifest.json.
func Files() (fs.FS, error) { return fs.Sub(dist, "dist") }

// Version returns the version of the files. It changes whenever one of them does.
func Version() (string, error) {
	text, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		return "", fmt.Errorf("widgets: %w", err)
	}
	var m struct{ Version string }
	if err := json.Unmarshal(text, &m); err != nil || m.Version == "" {
		return "", fmt.Errorf("widgets: dist/manifest.json has no version: %w", err)
	}
	return m.Version, nil
}
