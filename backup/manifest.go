// Package backup writes a copy of a data directory into one file, and restores it.
//
// A backup is a tar file with the database, the corpus, the keys and the certificates of one
// moment. Its last file is a [Manifest], by which [Restore] finds that a backup is complete and
// unchanged before it writes anything, and that the restored data is what was copied.
package backup

import (
	"fmt"
	"runtime/debug"
	"time"
)

// manifestName is the name of the manifest in the archive.
const manifestName = "manifest.json"

// format is the format of the manifests that this version writes. It reads older ones.
const format = 1

// Manifest says what a backup contains.
type Manifest struct {
	Format  int              `json:"format"`
	Version string           `json:"version"` // of the program that wrote it
	MadeAt  time.Time        `json:"made_at"`
	Files   []File           `json:"files"` // all but the manifest, in their order
	Rows    map[string]int64 `json:"rows"`  // of each table of the database
	Items   int64            `json:"items"` // of the corpus
}

// File is a file of a backup.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hexadecimal
}

// version returns the version of this program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// differ returns how the numbers of rows of two databases differ in a table; "" if they don't.
func differ(want, got map[string]int64) string {
	for name, n := range want {
		if got[name] != n {
			return fmt.Sprintf("%d rows in the table %s, and the manifest has %d", got[name], name, n)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			return fmt.Sprintf("a table %s, which the manifest does not have", name)
		}
	}
	return ""
}
