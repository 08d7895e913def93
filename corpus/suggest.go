package corpus

import (
	"context"
	"fmt"
	"slices"

	"stile.example/stile/content"
	"stile.example/stile/corpus/titles"
	"stile.example/stile/corpus/words"
)

// Suggest completes q to titles: first those that begin with it, and short ones before long ones.
// The last word of q may be a prefix. Titles with the signs in q come before those with its words
// only. A q that is too short, as [words.IsEnough] defines it, has no suggestions, and nothing is
// read for it.
func (c *File) Suggest(ctx context.Context, tenant uint32, q string) ([]content.Suggestion, error) {
	typed, err := content.Words(q)
	if err != nil {
		return nil, err
	}
	var all []words.TitleWord
	for _, w := range typed {
		all = words.AppendNew(all, words.TitleWords(w)...)
	}
	signs := words.SignWords(content.Signs(q))
	ways := [][]words.TitleWord{}
	if len(signs) > 0 && words.IsEnough(append(slices.Clone(all), signs...)) {
		ways = append(ways, append(slices.Clone(all), words.PrefixLast(signs)...))
	}
	if words.IsEnough(all) {
		ways = append(ways, words.PrefixLast(all))
	}
	found := []content.Suggestion{}
	if len(ways) == 0 {
		return found, nil
	}
	err = c.inTurn(ctx, 0, "", func(ctx context.Context) (err error) {
		found, err = titles.Suggest(ctx, c.db, c.owners(tenant), ways)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return found, nil
}
