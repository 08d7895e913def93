package valkey

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"stile.example/stile/store/states"
)

// certain lists the codes of replies that say that a command or a script was not executed, and what
// the operator can do. Other errors of a script may come from its middle.
var certain = map[string]string{
	"ASK":         "the slot is being moved",
	"BUSY":        "another client's script keeps the server busy; see SCRIPT KILL",
	"CLUSTERDOWN": "the cluster has no master for the slot; see CLUSTER INFO",
	"CROSSSLOT":   "the server is part of a cluster; add cluster=yes to the URL",
	"LOADING":     "the server is reading its data after a start",
	"MASTERDOWN":  "the server is a replica without its master",
	"MISCONF":     "the server can't write its files; see its log",
	"MOVED":       "the slot is on another server; is cluster=yes missing in the URL?",
	"NOAUTH":      "the server requires a password; set state_password_file, or give it in the URL",
	"NOPERM":      "the user may not access the keys; allow them with ACL SETUSER, such as ~*",
	"NOREPLICAS":  "too few replicas are connected; see min-replicas-to-write",
	"NOSCRIPT":    "the server does not know the script",
	"OOM":         "the server's memory is full; raise maxmemory",
	"READONLY":    "the server is a replica; has a failover ended?",
	"TRYAGAIN":    "the slot is being moved",
	"WRONGPASS":   "user or password is wrong; check the user in the URL and state_password_file",
	"WRONGTYPE":   "the key has a value that stile did not write; use a prefix or another database",
}

// fault returns the error of a call that was sent, or was to be sent. script says that the command
// was a script.
func fault(err error, script bool) error {
	if reply, ok := rueidis.IsRedisErr(err); ok {
		hint := hintOf(err)
		switch {
		case hint != "":
			return fmt.Errorf("valkey: %s: %s", hint, reply.Error())
		case !script:
			return fmt.Errorf("valkey: the server refused the command: %s", reply.Error())
		}
		return fmt.Errorf("valkey: %w: the server reported %s", states.ErrUnknown, reply.Error())
	}
	var unsent notSent
	switch {
	case errors.As(err, &unsent):
		return err
	case isDial(err), errors.Is(err, rueidis.ErrNoSlot), errors.Is(err, rueidis.ErrNoAddr):
		return fmt.Errorf("valkey: %w", err)
	case isTimeout(err):
		return fmt.Errorf("valkey: %w: no reply in time: %w", states.ErrUnknown, err)
	}
	return fmt.Errorf("valkey: %w: the connection broke: %w", states.ErrUnknown, err)
}

// code returns the code of an error that the server replied with.
func code(err error) string {
	reply, ok := rueidis.IsRedisErr(err)
	if !ok {
		return ""
	}
	code, _, _ := strings.Cut(reply.Error(), " ")
	return code
}

// lacked finds the command that a user may not run.
var lacked = regexp.MustCompile(`^NOPERM .*'([^']+)' command`)

// hintOf returns what the operator can do after a reply that says that nothing was executed, "" if
// the reply does not say so.
func hintOf(err error) string {
	reply, ok := rueidis.IsRedisErr(err)
	if !ok {
		return ""
	}
	if command := lacked.FindStringSubmatch(reply.Error()); command != nil {
		return "the user may not run a command; allow it with ACL SETUSER NAME +" + command[1] +
			"; docs/cluster.md lists all commands that stile needs"
	}
	return certain[code(err)]
}

// lacksCondition reports whether a server refused SET because it does not know IFEQ.
func lacksCondition(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && reply.Error() == "syntax error" // rueidis removes the code ERR
}

// responded reports whether a call got a reply, even if that was an error.
func responded(err error) bool {
	_, ok := rueidis.IsRedisErr(err)
	return err == nil || ok
}

func isDial(err error) bool {
	var d *dialError
	return errors.As(err, &d)
}

// isTimeout reports whether a call that may have been sent got no reply in time.
func isTimeout(err error) bool {
	var unsent notSent
	if err == nil || isDial(err) || errors.As(err, &unsent) {
		return false
	}
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &n) && n.Timeout()
}

// unreachable returns the error of connecting, with what the operator can do.
func (e *Engine) unreachable(err error) error {
	switch hint := hintOf(err); {
	case e.bySentinel(err):
		return fmt.Errorf("the Sentinel %s refuses the login; check sentinel_user and the password in the file of sentinel_password_file in the URL: %w", e.conns.latest(), err)
	case hint != "":
		return fmt.Errorf("%s: %w", hint, err)
	case errors.Is(err, rueidis.ErrNoAddr):
		return errors.New("no host responds")
	case strings.Contains(err.Error(), "cluster support disabled"):
		return fmt.Errorf("the server is not part of a cluster: give one address without cluster=yes, or set cluster-enabled yes on each server: %w", err)
	case strings.Contains(strings.ToLower(err.Error()), "unknown command 'sentinel'"):
		return fmt.Errorf("the server is not a Sentinel: give the addresses of the Sentinels, or remove ?sentinel= from the URL: %w", err)
	case strings.Contains(err.Error(), "No such master with that name"):
		return fmt.Errorf("the Sentinels watch no master called %q: correct ?sentinel= in the URL, as in their `sentinel monitor` lines: %w", e.target.Sentinel, err)
	case strings.Contains(err.Error(), "DB index is out of range"):
		return fmt.Errorf("the server has no database of the number in the URL: use a lower one, or raise `databases` in its configuration: %w", err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the server closed the connection: check that it is Valkey or Redis, and whether it needs TLS (valkeys:// or rediss://): %w", err)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the server's certificate is not trusted: check the host in the URL, and name the file with the certificate of its authority with ca=FILE in it: %w", err)
	}
	if _, ok := errors.AsType[*dialError](err); ok {
		return fmt.Errorf("%w: check the host and the port in the URL, that the server runs and listens there, and that it has TLS if and only if the scheme is valkeys:// or rediss://", err)
	}
	return err
}

// bySentinel reports whether a Sentinel refused the login, and not the server that it watches: that
// one is not connected to before.
func (e *Engine) bySentinel(err error) bool {
	isRefusal := code(err) == "NOAUTH" || code(err) == "WRONGPASS"
	return isRefusal && e.target.Sentinel != "" && slices.Contains(e.target.Hosts, e.conns.latest())
}
