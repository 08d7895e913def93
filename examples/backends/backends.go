// Package backends contains a tenant's token endpoint in five languages, for tenants to copy into
// their own servers. POST /stile/token returns a new token to one of the tenant's pages, for its
// visitor. ../README.md documents how to run them. The tests run each of them against the real
// server.
package backends
