package content

// Notice reports what an import ignored without omitting an item: the line is that of the item.
type Notice LineError

func (n Notice) Error() string { return LineError(n).Error() }

// notice is the error of a record that has no item, but a [Notice].
type notice string

func (n notice) Error() string { return string(n) }
