package tokens

import "net/netip"

// Binding is what a token is bound to. The zero Binding is that of an unbound token. A binding to a
// key does not reveal the key; a binding to an address does reveal the address: [Binding.Address].
type Binding struct {
	Kind BindingKind
	Sum  [16]byte // the address as 16 bytes, or the Key
}

// BindingKind says what kind of thing a token is bound to.
type BindingKind uint8

// The kinds of binding, in the contract's words.
const (
	Unbound BindingKind = iota
	ToAddress
	ToKey
)

func (k BindingKind) String() string { return [...]string{"none", "address", "key"}[k] }

// BindTo returns the binding to an address, which must be in the form of addresses.Canonical.
func BindTo(a netip.Addr) Binding { return Binding{ToAddress, a.As16()} }

// BindToKey returns the binding to a key.
func BindToKey(k Key) Binding { return Binding{ToKey, k} }

// Address returns the address of an address-bound token. For other bindings it is not valid.
func (b Binding) Address() netip.Addr {
	if b.Kind != ToAddress {
		return netip.Addr{}
	}
	return netip.AddrFrom16(b.Sum).Unmap()
}

// Key returns the key of a key-bound token. For other bindings it is zero.
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
// stands for no key. Finding another key of the same name takes 2^128 attempts. Finding two keys of
// the same name takes 2^64, and gains nothing.
type Key [16]byte

// KeyOf returns the Key of a thumbprint.
func KeyOf(thumbprint [32]byte) Key { return Key(thumbprint[:16]) }

// Mode says what the first call binds a token to.
type Mode uint8

// The modes, in the contract's words.
const (
	Auto      Mode = iota // to the key of its proof, else to the address
	ByAddress             // to the address
	ByKey                 // to a key: a call without a proof is refused
)

func (m Mode) String() string { return [...]string{"auto", "address", "key"}[m] }

// bindingFor returns what a call binds an unbound token to, or why the call is refused. A token
// that names its key itself binds to no other, whatever the mode (RFC 9449 §6).
func bindingFor(p Policy, c Call) (Binding, Reason) {
	named, proven := c.ConfirmedKey != Key{}, c.Key != Key{}
	switch {
	case p.Binding == ByAddress && !named:
		return BindTo(c.From), None
	case c.BadProof || !proven && (named || p.Binding == ByKey):
		return Binding{}, ProofInvalid
	case !proven:
		return BindTo(c.From), None
	case named && c.Key != c.ConfirmedKey:
		return Binding{}, Hijacked
	}
	return BindToKey(c.Key), None
}
