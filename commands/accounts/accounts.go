// Package accounts has the commands about those who administer the server, and about the audit
// log of what they changed.
package accounts

import "stile.example/stile/commands/host"

// Commands makes the commands of a program.
type Commands struct{ host.Program }
