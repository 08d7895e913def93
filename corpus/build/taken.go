package build

import (
	"errors"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

var (
	// ErrRepeated means that two items of an import have the same id.
	ErrRepeated = errors.New("the id appears twice in the import")
	// ErrTaken means that the id of an item belongs to another owner's item.
	ErrTaken = errors.New("the id belongs to another owner's item")
)

// MovedError says that an item without a collection of its own would move to another one: it is
// probably an item of another source that uses the same id.
type MovedError struct{ ID, From, To string }

func (e MovedError) Error() string {
	return fmt.Sprintf("the id belongs to an item of %s, which the import would move to %s: "+
		"if it is another item, give one of them another id; otherwise let the item name its collection, and import it without --collection, or remove it first (`stile content remove %s`)",
		inWords(e.From), inWords(e.To), e.ID)
}

func inWords(collection string) string {
	if collection == "" {
		return "no collection"
	}
	return fmt.Sprintf("collection %q", collection)
}

// CheckMove returns a [MovedError] if an import must not replace a stored item by it. The key is
// that of the collection of the items that name none. Without one, they leave their collections.
func CheckMove(it content.Item, stored []byte, key string) error {
	if key == "" || words.Name(it.Collection) != key {
		return nil
	}
	old, err := content.DecodeItem(stored)
	if err == nil && words.Name(old.Collection) != key {
		err = MovedError{it.ID, old.Collection, it.Collection}
	}
	return err
}

// ErrorOf returns the error of an item of an import. With skip, an id that belongs to another item
// is an error that an import records.
func ErrorOf(it content.Item, err error, skip bool) error {
	if err == nil {
		return nil
	}
	if skip && isOthers(err) {
		return content.LineError{File: "item " + it.ID, Problem: err.Error()}
	}
	return fmt.Errorf("item %s: %w", it.ID, err)
}

// isOthers reports whether an error says that an id belongs to another item.
func isOthers(err error) bool {
	_, moved := errors.AsType[MovedError](err)
	return moved || errors.Is(err, ErrTaken)
}
