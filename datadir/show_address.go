package datadir

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
)

// addressShower formats source addresses as the setting log_addresses says.
type addressShower struct {
	how string
	key []byte // of the hash
}

// newAddressShower derives the key of its hash from the server's key: an address has the same hash
// as long as the server's keys stay the same.
func newAddressShower(how string, secret []byte) (*addressShower, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "stile: shown addresses, 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key for hashes of addresses: %w", err)
	}
	return &addressShower{how, key}, nil
}

// ShowAddress returns the text of an address as the setting log_addresses says, "" for the zero
// address.
func (d *Dir) ShowAddress(a netip.Addr) string { return d.addresses.show(a) }

// show returns the text of an address as it may be shown, "" for the zero address.
func (s *addressShower) show(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	switch s.how {
	case "full":
		return a.String()
	case "hash":
		mac := hmac.New(sha256.New, s.key)
		sum := a.As16()
		mac.Write(sum[:])
		return "hash:" + hex.EncodeToString(mac.Sum(nil)[:8])
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // both lengths are valid
	return p.String()
}
