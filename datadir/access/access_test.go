package access

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestExplain checks that an error about permissions says whose directory it is and how to
// run the command as that user.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	denied := &os.PathError{Op: "open", Path: dir + "/stile.lock", Err: os.ErrPermission}
	if err := Explain("stile tenant list", dir, denied); !strings.Contains(err.Error(), "ls -la "+dir) {
		t.Errorf("my own: %v", err)
	}
	port := &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EACCES)}
	for _, other := range []error{port, &os.PathError{Op: "open", Path: "/etc/tls.key", Err: os.ErrPermission}} {
		if err := Explain("stile serve", dir, other); err != other {
			t.Errorf("about something else: %v", err)
		}
	}
	if err := Explain("stile tenant list", dir, os.ErrNotExist); err != os.ErrNotExist {
		t.Errorf("another error: %v", err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(dir, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	denied.Path = dir + "/below/stile.lock"
	want := "open " + denied.Path + ": permission denied. " + dir + " belongs to the user 4711: run the command as that user: sudo -u '#4711' stile tenant list --data d"
	if err := Explain("stile tenant list --data d", dir+"/below", denied); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	id, _ := strconv.Atoi(nobody.Uid)
	if got := AsUser(id, "stile check --data d"); got != "runuser -u nobody -- stile check --data d" {
		t.Errorf("as root: %s", got)
	}
}

// TestOtherUser checks the advice about directories of other users, and of root, which the server
// must not run as.
func TestOtherUser(t *testing.T) {
	dir, me := t.TempDir(), UserName(os.Geteuid())
	for _, c := range []struct {
		dir, at string
		want    string
	}{
		{dir, dir, "run the command as root: sudo stile check; or, if the server runs as " + me + ", give it the directory: sudo chown -R " + me + ": " + dir},
		{dir + "/new", dir, "create the directory as root: sudo install -d -m 700 -o " + me + " " + dir + "/new; or choose another --data"},
	} {
		if got := otherUser(c.dir, c.at, 0, "stile check"); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestExposedSecret checks that the file of a secret is reported if other users can read it, with
// the command that helps. The group may read a file of another user than the server's: that is how
// the server reads it.
func TestExposedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	me, own := os.Geteuid(), "600"
	if me == 0 {
		own = "640" // the server must not run as root
	}
	for _, c := range []struct {
		mode os.FileMode
		user int // of the server
		want string
	}{
		{0o600, me, ""}, {0o400, me, ""}, {0o644, me, own}, {0o604, me, own}, {0o660, me, own},
		{0o600, me + 1, ""}, {0o640, me + 1, ""}, {0o440, me + 1, ""}, {0o644, me + 1, "640"}, {0o660, me + 1, "640"}, {0o641, me + 1, "640"},
	} {
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		var got, want string
		if e, exposed := ExposedSecret(file, c.user); exposed {
			got = e.String()
		}
		if c.want != "" {
			want = fmt.Sprintf("%s is open to other users (mode %04o): chmod %s %s", file, c.mode, c.want, file)
		}
		if got != want {
			t.Errorf("%04o: %q, want %q", c.mode, got, want)
		}
	}
	if e, exposed := ExposedSecret(file+"none", me); exposed {
		t.Errorf("a missing file: %v", e)
	}
}
