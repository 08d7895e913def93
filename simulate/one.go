package simulate

import "context"

// One simulates one group by the rules of c only, on one processor.
func One(ctx context.Context, c Config, name string) (Result, error) {
	chosen, err := choose([]string{name})
	if err != nil {
		return Result{}, err
	}
	return simulateGroup(ctx, c, chosen[0]), ctx.Err()
}
