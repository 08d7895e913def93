// Package backends holds a tenant's token endpoint in five languages, to be
// copied into a tenant's own server: POST /stile/token answers one of the
// tenant's pages with a fresh token for its visitor. ../README.md says how to
// run them. The package's test runs each of them against the real server.
package backends
