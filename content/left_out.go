package content

// LeftOut is the error for an item that its own file keeps from being published, such as a draft.
// An import counts and lists such items and continues.
type LeftOut struct {
	Where string // file, and line if there is one
	Why   string // "draft"
}

func (e LeftOut) Error() string { return e.Where + ": left out: " + e.Why }
