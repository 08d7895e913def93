// Package durable changes files so that the changes are complete, also after a power failure.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace writes a file that only its owner can read, in place of the one that has its name. After
// a failure the earlier file is there.
func Replace(file string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()           // it may be closed already; the first error is the one to return
			os.Remove(tmp.Name()) // best effort
		}
	}()
	if _, err = tmp.Write(data); err != nil {
		return err
	}
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = tmp.Close(); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(file))
}

// SyncDir makes the names in a directory durable, such as after files were renamed.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
