package imports

import "stile.example/stile/content"

// maxListed is how many omitted items of each kind a [Result] lists, so that it stays small.
const maxListed = 100

// Omission is an item of a source that was not imported.
type Omission struct {
	Where string `json:"where"` // file, and line if there is one
	Why   string `json:"why"`
}

// Omissions are the items that an import omitted for one kind of reason.
type Omissions struct {
	Count int        `json:"count"`
	First []Omission `json:"first"` // at most 100 of them
}

// IsZero reports whether nothing was omitted.
func (o Omissions) IsZero() bool { return o.Count == 0 }

func (o *Omissions) add(where, why string) {
	if o.Count++; len(o.First) < maxListed {
		o.First = append(o.First, Omission{where, why})
	}
}

// Omit records the item of which err says that it is omitted, and reports whether it does. The
// other errors that [content.Read] yields end an import.
func (r *Result) Omit(err error) bool {
	switch e := err.(type) { // not errors.As, which would find the first of LineErrors
	case content.LeftOut:
		r.LeftOut.add(e.Where, e.Why)
	case content.LineError:
		r.Skipped.add(e.Where(), e.Problem)
	default:
		return false
	}
	return true
}
