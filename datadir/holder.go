package datadir

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxAnnounced is how long an announcement may be, in bytes.
const maxAnnounced = 1 << 10

// Announce says to other processes what this process does with the directory, until it is closed.
// See [Holder].
func (d *Dir) Announce(what string) error {
	if len(what) > maxAnnounced {
		what = what[:maxAnnounced]
	}
	if _, err := d.held.file.WriteAt([]byte(what), 0); err != nil {
		return fmt.Errorf("write %s: %w", d.held.file.Name(), err)
	}
	return nil
}

// Holder returns what the process that has a directory open announced, or "".
func Holder(dir string) string {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, maxAnnounced)) // it is only shown
	return string(text)
}
