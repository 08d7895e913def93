package handlers

// NewRef names a refusal that is told elsewhere than in an answer.
func NewRef() string { return newRef() }

// ObservedAddress counts a binding that was let through because the rule of
// its address is only observed. Whose token it was is not asked there.
func (m *Metrics) ObservedAddress(code Code) { m.observed("", code) }
