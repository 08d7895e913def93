// Package signing holds the server's own keys: those that sign and verify its tokens, and the one
// that hashes its tenants' secrets.
//
//   - [Keys] are all of them, in one file. They can be rotated without downtime.
//   - [Set] is the keys at one time.
//   - [Key] signs texts, and verifies its signatures.
//
// It decides which key signs, how long an older key verifies, and which algorithm belongs to a key.
// Package bearer decides what the tokens contain and which of them are valid. golang-jwt only
// computes signatures.
package signing
