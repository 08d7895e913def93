package corpus

import (
	"context"

	"stile.example/stile/content/options"
	"stile.example/stile/corpus/chosen"
)

// Options returns what was chosen for an owner.
func (c *File) Options(ctx context.Context, owner uint32) (options.Options, error) {
	return chosen.Read(ctx, c.rows, owner)
}

// Labels returns the labels that a tenant sees in a language, encoded, or nil if there are none.
func (c *File) Labels(ctx context.Context, tenant uint32, language string) ([]byte, error) {
	return c.labels.In(ctx, c.rows, tenant, language)
}
