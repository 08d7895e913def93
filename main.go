// Stile serves a curated corpus to the web sites of tenants, and keeps scripts from extracting it.
package main

import (
	"context"
	"os"

	"stile.example/stile/commands"
)

func main() {
	os.Exit(commands.Run(context.Background(), os.Args[0], os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
