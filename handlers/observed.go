package handlers

import "stile.example/stile/handlers/codes"

// ObservedAddress counts a binding that was let through because the rule of
// its address is only observed.
func (m *Metrics) ObservedAddress(tenant string, code codes.Code) { m.observed(tenant, code) }
