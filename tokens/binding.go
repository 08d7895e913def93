package tokens

import "net/netip"

// Binding is the source address or the key that a token is bound to. The zero Binding means that
// the token is unbound. A key can't be computed from its Binding, but an address can be read from
// it: [Binding.Address].
type Binding struct {
	Kind BindingKind
	Sum  [16]byte // the address as 16 bytes, or the Key
}

// BindingKind says what a token is bound to. Its numbers are stored.
type BindingKind uint8

// The kinds of binding, in the contract's words.
const (
	Unbound BindingKind = iota
	ToAddress
	ToKey
)

func (k BindingKind) String() string { return nameOf(k, "unknown", "none", "address", "key") }

// BindTo returns the binding to an address, as addresses.Canonical returns it.
func BindTo(a netip.Addr) Binding { return Binding{ToAddress, a.As16()} }

// BindToKey returns the binding to a key.
func BindToKey(k Key) Binding { return Binding{ToKey, k} }

// Address returns the address of an address-bound token, and otherwise an invalid address.
func (b Binding) Address() netip.Addr {
	if b.Kind != ToAddress {
		return netip.Addr{}
	}
	return netip.AddrFrom16(b.Sum).Unmap()
}

// Key returns the key of a key-bound token, and otherwise the zero Key.
func (b Binding) Key() Key {
	if b.Kind != ToKey {
		return Key{}
	}
	return b.Sum
}

// fits reports whether a call comes from within the binding.
func (b Binding) fits(c Call) bool {
	switch b.Kind {
	case ToAddress:
		return b == BindTo(c.From)
	case ToKey:
		return b == BindToKey(c.Key) && c.Key != Key{}
	}
	return false
}

// Key names a key that a browser holds: the first 16 bytes of its RFC 7638 thumbprint. The zero Key
// means that there is no key. Another key with the name of a given one takes 2^128 tries to find.
// Somebody who makes 2^64 keys finds two of their own with the same name, which gains nothing.
type Key [16]byte

// KeyOf returns the Key of a thumbprint.
func KeyOf(thumbprint [32]byte) Key { return Key(thumbprint[:16]) }

// Mode says what a first call binds a token to.
type Mode uint8

// The modes, in the contract's words.
const (
	Auto      Mode = iota // to the key of its proof; without a proof, to the address
	ByAddress             // to the address
	ByKey                 // to the key of its proof; without a proof, the call is refused
)

func (m Mode) String() string { return [...]string{"auto", "address", "key"}[m] }

// bindingFor returns what a call binds an unbound token to, or the reason why the call is refused.
// A token that names its key itself is bound to that key only, whatever the mode (RFC 9449 §6).
func bindingFor(p Policy, c Call) (Binding, Reason) {
	named, proven := c.ConfirmedKey != Key{}, c.Key != Key{}
	switch {
	case p.Binding == ByAddress && !named:
		return BindTo(c.From), None
	case c.InvalidProof || !proven && (named || p.Binding == ByKey):
		return Binding{}, ProofInvalid
	case !proven:
		return BindTo(c.From), None
	case named && c.Key != c.ConfirmedKey:
		return Binding{}, Hijacked
	}
	return BindToKey(c.Key), None
}
