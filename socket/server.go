package socket

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
)

// Server returns a server that performs operations on an open data directory. A user
// who may open the socket owns the data. The audit log gets the name of that user.
func Server(d *datadir.Dir) *http.Server {
	return &http.Server{
		Handler:           handler(d),
		ReadHeaderTimeout: responseTimeout,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(d.Log.Handler(), slog.LevelDebug),
	}
}

func handler(d *datadir.Dir) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/": // a command looks for a server
		case r.Header.Get(streams) == "":
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(respond(r, d, nil)) // an error means that the command is gone
		default:
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Trailer", trailer)
			w.WriteHeader(http.StatusOK)
			text, _ := json.Marshal(respond(r, d, w)) // a reply can always be encoded
			w.Header().Set(trailer, string(text))
		}
	})
}

// respond performs the operation that a request names. out is nil, unless the command expects a
// stream of bytes.
func respond(r *http.Request, d *datadir.Dir, out io.Writer) reply {
	name, current := strings.CutPrefix(r.URL.Path, prefix)
	op, known := operations.Find(name)
	if !current || !known || r.Method != http.MethodPost || (op.Stream == operations.BytesOut) != (out != nil) {
		named := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] // another version's has no prefix
		return reply{Error: fmt.Sprintf("the running server does not know the operation %q; use the same version of stile for the server and the command", named)}
	}
	body := bufio.NewReader(r.Body)
	in, err := readInput(body)
	if err != nil {
		return reply{Error: err.Error()}
	}
	ctx, stop := untilGone(r)
	defer stop()
	return perform(ctx, d, op.Run, operations.Call{Actor: operations.CommandLine(userOf(r)), Input: in, Items: receiveItems(body), Out: out})
}

// perform runs an operation. A panic becomes an error: the server must continue.
func perform(ctx context.Context, d *datadir.Dir, run func(context.Context, *datadir.Dir, operations.Call) (any, error), c operations.Call) (out reply) {
	defer func() {
		if r := recover(); r != nil {
			d.Log.Error("operation panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			out = reply{Error: "internal server error; the server's log has the cause"}
		}
	}()
	result, err := run(ctx, d, c)
	if err == nil {
		out.Result, err = json.Marshal(result)
	}
	if err != nil {
		return reply{Error: err.Error()}
	}
	return out
}

func readInput(body *bufio.Reader) (json.RawMessage, error) {
	var line []byte
	for {
		part, err := body.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil || err == io.EOF && len(line) > 0:
			return line, nil
		case err != bufio.ErrBufferFull:
			return nil, fmt.Errorf("read the input: %w", err)
		case len(line) > maxInput:
			return nil, errors.New("the input is too long")
		}
	}
}
