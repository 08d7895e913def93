package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// errNoServer says that no server listens at a data directory's socket.
var errNoServer = errors.New("no server runs")

// The socket speaks HTTP: POST /NAME with the parameters on the first line of
// the body and the items, if any, behind it. The answer is an [answer]; if
// the operation writes a stream, that is the body, and the answer its trailer.
const (
	streams      = "Stile-Streams" // request header: the operation writes a stream
	trailer      = "Stile-Answer"
	maxParams    = 1 << 20
	longestPath  = 107 // of a Unix socket on Linux: sun_path less its NUL
	answerWithin = 5 * time.Second
)

// answer is what came of an operation.
type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func socketFile(dir string) string { return filepath.Join(dir, "stile.sock") }

// listenSocket listens at the data directory's socket. Whoever calls it holds
// the directory's lock, so a socket that is there is a dead one.
func listenSocket(dir string) (net.Listener, error) {
	file := socketFile(dir)
	if len(file) > longestPath {
		return nil, fmt.Errorf("the path of the socket, %s, is longer than %d bytes; choose a shorter data directory", file, longestPath)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := net.Listen("unix", file)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(file, 0o600); err != nil { // the directory is 0700 already
		l.Close()
		return nil, fmt.Errorf("guard the socket: %w", err)
	}
	return l, nil
}

// socketServer does operations for commands.
func socketServer(a *app) *http.Server {
	return &http.Server{
		Handler:           socketHandler(a),
		ReadHeaderTimeout: answerWithin,
		ErrorLog:          a.errorLog(),
	}
}

func socketHandler(a *app) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" { // a command asks whether somebody is there
			return
		}
		op, known := operations[name]
		if !known || r.Method != http.MethodPost {
			send(w, answer{Error: fmt.Sprintf("the running server knows no operation %q; is it of another version?", name)})
			return
		}
		body := bufio.NewReader(r.Body)
		params, err := readParams(body)
		if err != nil {
			send(w, answer{Error: err.Error()})
			return
		}
		c := input{params: params, items: receiveItems(body)}
		if r.Header.Get(streams) == "" {
			send(w, perform(r.Context(), a, op, c))
			return
		}
		c.out = w
		w.Header().Set("Trailer", trailer)
		w.WriteHeader(http.StatusOK)
		text, _ := json.Marshal(perform(r.Context(), a, op, c)) // of our own making: cannot fail
		w.Header().Set(trailer, string(text))
	})
}

// perform does an operation; a panic is its error, for the server goes on.
func perform(ctx context.Context, a *app, op operation, c input) (said answer) {
	defer func() {
		if r := recover(); r != nil {
			a.log.Error("operation panicked", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			said = answer{Error: "the server met a fault of its own; its log says more"}
		}
	}()
	result, err := op(ctx, a, c)
	if err == nil {
		said.Result, err = json.Marshal(result)
	}
	if err != nil {
		return answer{Error: err.Error()}
	}
	return said
}

func send(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(a) // a command that went away needs no answer
}

func readParams(body *bufio.Reader) (json.RawMessage, error) {
	var line []byte
	for {
		part, err := body.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil || err == io.EOF && len(line) > 0:
			return line, nil
		case err != bufio.ErrBufferFull:
			return nil, fmt.Errorf("read the parameters: %w", err)
		case len(line) > maxParams:
			return nil, errors.New("the parameters are too long")
		}
	}
}
