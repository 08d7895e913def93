package operations

import (
	"os/user"
	"strconv"

	"stile.example/stile/operations/failure"
)

// Actor is who calls an operation. The zero Actor may call nothing.
type Actor struct {
	Name       string // the admin's, or that of a user of the operating system
	Role       Role
	Credential string // password, passkey, oidc, token …abcd, command line
	Address    string // the source address of the request; "" for a command
	// Tenant is the client_id of the only tenant that a [Developer] may know about; "" for others.
	Tenant string

	confined bool // the call was confined to Tenant: see runForTenant
}

// CommandLine returns the actor of a command that a user of the operating system started. A user
// who may open the data directory is its owner.
func CommandLine(uid int) Actor {
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return Actor{Name: name, Role: Owner, Credential: commandLine}
}

// may returns an error unless the actor may call the operation.
func (a Actor) may(o Operation) error {
	if a.confined || a.Role.Includes(o.Role) {
		return nil
	}
	return failure.New(failure.Forbidden, "%s: needs the role %s, and %s has %s; ask an owner", o.Name, o.Role, orUnknown(a.Name), orNone(string(a.Role)))
}

func orUnknown(name string) string {
	if name == "" {
		return "the caller"
	}
	return name
}

func orNone(role string) string {
	if role == "" {
		return "none"
	}
	return role
}
