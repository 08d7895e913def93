package server

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strconv"
)

// FirstOwner adds an owner if there is none, and prints how to sign in. The one-time password is
// printed only now, and never logged. command is how the program is called for this data directory.
// It must be called before [Server.Run].
func (srv *Server) FirstOwner(ctx context.Context, command string, out io.Writer) error {
	name, password, err := srv.dir.Admins.FirstOwner(ctx, srv.dir.Now())
	if err != nil {
		return fmt.Errorf("add the first owner: %w", err)
	}
	if name == "" {
		return nil
	}
	srv.dir.Log.Info("added the first owner; its one-time password was printed", "admin", name)
	_, err = fmt.Fprintf(out, firstOwner, srv.consoleURL(), name, password, command)
	return err
}

// consoleURL returns the URL of the console on this machine. Passkeys need a host name.
func (srv *Server) consoleURL() string {
	addr := srv.Addr("admin")
	if at, err := netip.ParseAddrPort(addr); err == nil && (at.Addr().IsLoopback() || at.Addr().IsUnspecified()) {
		addr = "localhost:" + strconv.Itoa(int(at.Port()))
	}
	return "http://" + addr
}

// firstOwner is printed once: %[1]s the console's URL, %[2]s the name, %[3]s the password,
// %[4]s the program as it was called.
const firstOwner = `
The console is at %[1]s. Sign in as %[2]s with this one-time password,
which is not shown again:

  %[3]s

If it is lost, this prints another:

  %[4]s admin set %[2]s --reset-password

`
