package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stile.example/stile/datadir"
)

// explainAccess adds to an error about the permissions of a data directory whose directory it is,
// and how to run the command as that user.
func explainAccess(command, dir string, err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	owner, at := datadir.Owner(dir)
	if owner == os.Geteuid() {
		return fmt.Errorf("%w. %s belongs to you; look at its mode and at the owners of the files in it: ls -la %s", err, at, at)
	}
	name := datadir.UserName(owner)
	return fmt.Errorf("%w. %s belongs to the user %s. Run the command as that user: sudo -u %s %s", err, at, name, name, command)
}
