package addresses

import "net/netip"

// Scope is what a budget counts: the tokens of a tenant in a range of addresses. Tenant 0 stands
// for all tenants.
//
//   - An address with a tenant counts bindings and challenges. Only this scope can be blocked or
//     become suspicious, so a tenant whose tokens are misused harms only itself.
//   - An address with all tenants counts records, so that the tokens of ten tenants do not deliver
//     ten times as much.
//   - The /56 and the /48 around an IPv6 address count both again, because a caller with such a
//     network has many /64s: 256 or 65,536.
type Scope struct {
	Range  netip.Prefix
	Tenant uint32
}

// times56 and times48 are how many addresses' budgets the networks around an IPv6 address have. A
// provider assigns a /56 to a household and a /48 to a site (RFC 6177).
const (
	times56 = 8
	times48 = 32
)

// OfTenant returns the scope of an address, as [Canonical] returns it, for one tenant.
func OfTenant(a netip.Addr, tenant uint32) Scope {
	return Scope{netip.PrefixFrom(a, width(a)), tenant}
}

// OfAll returns the scope of an address for all tenants.
func OfAll(a netip.Addr) Scope { return OfTenant(a, 0) }

// width returns the prefix length of the range that a canonical address stands for.
func width(a netip.Addr) int {
	if a.Is4() {
		return 32
	}
	return 64
}

// wider returns the networks around an address whose budgets count too, the narrowest first. An
// allowed range with a budget of its own does not count in networks that are wider than it.
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

// forScope returns the policy of one scope.
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

// Stepper applies an event to the stored state of one scope, by the scope's policy.
type Stepper func(s Scope, p Policy, e Event) (Verdict, error)

// Apply applies an event of a tenant's token to the scopes of an address, as [Canonical] returns
// it. Each scope is stepped on its own, and the strictest verdict is returned. On error the Verdict
// blocks.
//
// The scope of the tenant comes first. Records are counted only if it is clear, because records
// after a solved challenge do not count. They are counted in the narrowest scope first, so that an
// address over its own budget does not use up the budget of its network.
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

// consult applies own to the tenant's scope and then, if that is clear, own and records to the
// shared scopes. one applies an event to one scope.
func (p Policy) consult(a netip.Addr, tenant uint32, own Event, records Deliver, one func(Scope, Event) (Verdict, error)) (Verdict, error) {
	v, err := one(OfTenant(a, tenant), own)
	if err != nil {
		return Verdict{}, err
	}
	if v.Status != Clear || v.IsObserved {
		return p.withAllowance(v, records), nil
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
	return p.withAllowance(shared, records), nil
}

// consultShared returns the first verdict of a shared scope that is not clear. If all are clear, it
// returns the last one, with the allowance of the address.
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
	allowance := uint32(0)
	for n, r := range append([]netip.Prefix{OfAll(a).Range}, networks...) {
		if v, err = one(Scope{r, 0}, records); err != nil || v.Status != Clear || v.IsObserved {
			return v, err
		}
		if n == 0 {
			allowance = v.Allowance
		}
	}
	v.Allowance = allowance
	return v, nil
}

// withAllowance sets the allowance for solving a challenge, if records are counted.
func (p Policy) withAllowance(v Verdict, records Deliver) Verdict {
	if v.Allowance = 0; p.Records > 0 && v.Status != Blocked {
		v.Allowance = max(records.Records, allowancePerChallenge)
	}
	return v
}
