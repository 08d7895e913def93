package handlers

// NewRef names a refusal that is told elsewhere than in an answer.
func NewRef() string { return newRef() }

// ObservedAddress counts a binding that was let through because the rule of
// its address is only observed.
func (m *Metrics) ObservedAddress(tenant string, code Code) { m.observed(tenant, code) }
