package snippet

import "stile.example/stile/snippet"

// field is a text field of the form.
type field struct{ ID, Value, About, Fault string }

// Field returns a text field, with what is wrong with its value.
func (d pageData) Field(id, value, about string) field {
	return field{id, value, about, d.Faults[id]}
}

// choice is a field of the form with a few values.
type choice struct {
	ID, Value string
	Choices   []snippet.Choice
	Fault     string
}

// Select returns a field with the choices of that name, with what is wrong with its value.
func (d pageData) Select(id, value, choices string) choice {
	return choice{id, value, d.Selects[choices], d.Faults[id]}
}
