package commands

import (
	"context"
	"io"
	"sync"
)

// readUntil returns a reader of r that ends with ctx, also while nothing arrives. It takes nothing
// from r before it is read.
func readUntil(ctx context.Context, r io.Reader) io.Reader {
	return reader(sync.OnceValue(func() io.Reader {
		in, out := io.Pipe()
		context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
		go func() {
			_, err := io.Copy(out, r) // it may wait for r until the process ends
			out.CloseWithError(err)
		}()
		return in
	}))
}

// reader reads from the reader that it returns.
type reader func() io.Reader

func (r reader) Read(b []byte) (int, error) { return r().Read(b) }
