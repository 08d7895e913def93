package addresses

import "net/netip"

// Scope is what a budget is counted for: a range of addresses, and the tenant
// whose tokens count. Tenant 0 stands for all tenants.
//
//   - An address with a tenant counts bindings and challenges. Only this scope
//     can be blocked, or become suspicious: a tenant whose tokens are misused
//     harms nobody but itself.
//   - An address with all tenants counts records, so that the tokens of ten
//     tenants do not deliver ten times as much.
//   - The /56 and the /48 around an IPv6 address count both once more, since
//     whoever has one has thousands of /64s.
type Scope struct {
	Range  netip.Prefix
	Tenant uint32
}

// Times is how many addresses' budgets the networks around an IPv6 address
// have. A /56 is what a provider gives to a household, a /48 to a site
// (RFC 6177).
const (
	times56 = 8
	times48 = 32
)

// OfTenant is the scope of an address, as [Canonical] gives it, for one tenant.
func OfTenant(a netip.Addr, tenant uint32) Scope {
	return Scope{netip.PrefixFrom(a, width(a)), tenant}
}

// OfAll is the scope of an address for all tenants.
func OfAll(a netip.Addr) Scope { return OfTenant(a, 0) }

// wider are the networks around an address whose budgets count once more, the
// narrowest first. An allowed range with a budget of its own is not counted in
// networks that reach beyond it.
func (p Policy) wider(a netip.Addr) (all []netip.Prefix) {
	if a.Is4() {
		return nil
	}
	for _, bits := range []int{56, 48} {
		if r, err := a.Prefix(bits); err == nil && bits >= int(p.within) {
			all = append(all, r)
		}
	}
	return all
}

// forScope is the policy of one scope.
func (p Policy) forScope(s Scope) Policy {
	switch {
	case s.Range.Addr().Is4() || s.Range.Bits() >= 64:
		p.times = 1
	case s.Range.Bits() >= 56:
		p.times = times56
	default:
		p.times = times48
	}
	p.shared = s.Tenant == 0 || p.times > 1
	if s.Tenant != 0 {
		p.Records = 0
	}
	return p
}

// Stepper applies an event to one scope by its policy.
type Stepper func(s Scope, p Policy, e Event) (Verdict, error)

// Apply steps the scopes of an address, as [Canonical] gives it, through what
// happens there to a token of a tenant. Each scope is stepped by itself; the
// strictest verdict is returned. On error the Verdict blocks.
//
// The scope of the tenant comes first. Records are counted only if it is clear:
// what a challenge buys does not count. They are counted in the narrowest scope
// first, so that an address over its own budget does not use up its network's.
func (p Policy) Apply(a netip.Addr, tenant uint32, e Event, step Stepper) (Verdict, error) {
	one := func(s Scope, e Event) (Verdict, error) { return step(s, p.forScope(s), e) }
	switch e := e.(type) {
	case Bind:
		return p.consult(a, tenant, e, Deliver{At: e.At, Records: e.Records, first: true}, one)
	case Deliver:
		return p.consult(a, tenant, e, e, one)
	case Issued:
		if e.Shared {
			tenant = 0
		}
	case Solved:
		if e.Shared {
			tenant = 0
		}
	}
	return one(OfTenant(a, tenant), e)
}

// consult steps the tenant's scope through own, and the shared ones through
// what counts there.
func (p Policy) consult(a netip.Addr, tenant uint32, own Event, records Deliver, one func(Scope, Event) (Verdict, error)) (Verdict, error) {
	v, err := one(OfTenant(a, tenant), own)
	if err != nil {
		return Verdict{}, err
	}
	if v.Status != Clear || v.IsObserved {
		return p.priced(v, records), nil
	}
	shared, err := p.consultShared(a, tenant, own, records, one)
	if err != nil {
		return Verdict{}, err
	}
	shared.Bindings = v.Bindings
	if shared.Status == Clear && !shared.IsObserved {
		shared.State = v.State
		return shared, nil
	}
	all, err := one(OfAll(a), Inspect{records.At})
	if err != nil {
		return Verdict{}, err
	}
	shared.Level = uint8(min(all.Issued/max(uint32(p.Bindings), 1), maxLevel))
	shared.State = v.State
	return p.priced(shared, records), nil
}

// consultShared returns the first verdict that is not clear, else the last.
func (p Policy) consultShared(a netip.Addr, tenant uint32, own Event, records Deliver, one func(Scope, Event) (Verdict, error)) (v Verdict, err error) {
	v = Verdict{Status: Clear}
	networks := p.wider(a)
	if _, isBind := own.(Bind); !isBind {
		own = Inspect{records.At}
	}
	for _, r := range networks {
		if v, err = one(Scope{r, tenant}, own); err != nil || v.Status != Clear || v.IsObserved {
			return v, err
		}
	}
	if p.Records == 0 {
		return v, nil
	}
	leave := uint32(0)
	for n, r := range append([]netip.Prefix{OfAll(a).Range}, networks...) {
		if v, err = one(Scope{r, 0}, records); err != nil || v.Status != Clear || v.IsObserved {
			return v, err
		}
		if n == 0 {
			leave = v.Allowance
		}
	}
	v.Allowance = leave
	return v, nil
}

// priced sets what a challenge buys, where records are counted.
func (p Policy) priced(v Verdict, records Deliver) Verdict {
	if v.Allowance = 0; p.Records > 0 && v.Status != Blocked {
		v.Allowance = max(records.Records, allowancePerChallenge)
	}
	return v
}
