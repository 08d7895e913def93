package tokens

import "net/netip"

// Binding is what a token is tied to. The zero Binding is none. It cannot be
// turned back into a key, but an address can be read out of it: [Binding.Address].
type Binding struct {
	Kind BindingKind
	Sum  [16]byte // the address as 16 bytes, or the Key
}

// BindingKind is the sort of thing that a token is tied to.
type BindingKind uint8

// The kinds of binding, in the contract's words.
const (
	Unbound BindingKind = iota
	ToAddress
	ToKey
)

func (k BindingKind) String() string { return [...]string{"none", "address", "key"}[k] }

// BindTo is the binding to an address that addresses.Normal has normalised.
func BindTo(a netip.Addr) Binding { return Binding{ToAddress, a.As16()} }

// BindToKey is the binding to a key.
func BindToKey(k Key) Binding { return Binding{ToKey, k} }

// Address is the address of a binding to one; else it is not valid.
func (b Binding) Address() netip.Addr {
	if b.Kind != ToAddress {
		return netip.Addr{}
	}
	return netip.AddrFrom16(b.Sum).Unmap()
}

// Key is the key of a binding to one; else it is none.
func (b Binding) Key() Key {
	if b.Kind != ToKey {
		return Key{}
	}
	return b.Sum
}

// fits says whether a call comes from within the binding.
func (b Binding) fits(c Call) bool {
	switch b.Kind {
	case ToAddress:
		return b == BindTo(c.From)
	case ToKey:
		return b == BindToKey(c.Key) && c.Key != Key{}
	}
	return false
}

// Key names a key that a browser holds: the first 16 bytes of its RFC 7638
// thumbprint. The zero Key is none. To find another key of the same name takes
// 2^128 tries; two of one's own can be had for 2^64, and are worth nothing.
type Key [16]byte

// KeyOf is the Key of a thumbprint.
func KeyOf(thumbprint [32]byte) Key { return Key(thumbprint[:16]) }

// Mode says what a first call binds a token to.
type Mode uint8

// The modes, in the contract's words.
const (
	Auto      Mode = iota // to the key that it proves, else to the address
	ByAddress             // to the address
	ByKey                 // to a key: without a proof it is refused
)

func (m Mode) String() string { return [...]string{"auto", "address", "key"}[m] }

// bindingFor is what a call binds a token to that is not bound, or why it doesn't. A
// token that names its key itself binds to no other, whatever the mode (RFC
// 9449 §6).
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
