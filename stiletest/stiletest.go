// Package stiletest runs the real program, for tests and measurements of exactly what operators
// run. It builds the binary, serves a new data directory on free ports, kills and restarts the
// server, and runs commands.
package stiletest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"stile.example/stile/stiletest/leftovers"
	"stile.example/stile/stiletest/ports"
)

// maxWait is how long a server may take to start or to stop.
const maxWait = 30 * time.Second

// Build builds the program into dir, and returns the path of the binary.
func Build(dir string) (string, error) {
	file := filepath.Join(dir, "stile")
	out, err := exec.Command("go", "build", "-tags", "sqlite_fts5", "-o", file, "stile.example/stile").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
}

// Main builds the program, stores the path of the binary, runs the tests of m, and returns the exit
// code. A package that uses it should import stile.example/stile/commands, so that a change of the
// program invalidates cached test results.
func Main(m interface{ Run() int }, binary *string) int {
	// A form that is sent while a server closes its idle connection is lost. Node.js closes it after
	// 5 s, and stile after 7 s.
	http.DefaultTransport.(*http.Transport).IdleConnTimeout = 4 * time.Second
	dir, err := os.MkdirTemp("", "stile-test")
	if err == nil {
		defer os.RemoveAll(dir)
		err = leftovers.Remove(dir)
	}
	if err == nil {
		*binary, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Server is the program with a data directory of its own. Its methods must not be called
// concurrently; requests to URL may be sent concurrently.
type Server struct {
	Binary   string
	Dir      string   // working directory; the data is in Dir/data
	Settings string   // content of stile.yaml, to which Start adds the listeners
	Env      []string // settings as STILE_NAME=value
	Wrap     []string // command that runs the program, such as unshare
	Secure   bool     // Settings name a certificate: URL is https, and the certificate is not checked
	URL      string   // of the public listener; Start sets it, or uses its port if it is set already
	AdminURL string   // of the admin listener; the same applies
	Nodes    *Nodes   // several processes instead of one; nil: one

	name string // of the settings' file, without .yaml; "": stile
	cmd  *exec.Cmd
	exit chan error
	log  *logs
}

// NoChallenges returns an Env in which a load meets no challenge: no call counts as a spike, and no
// address is crowded.
func NoChallenges() []string {
	return []string{"STILE_POLICY_SPIKE_CALLS=1000000", "STILE_POLICY_SPIKE_SUGGESTIONS=1000000",
		"STILE_POLICY_ADDRESS_BINDINGS=30000", "STILE_POLICY_ADDRESS_RECORDS=0"}
}

// Start writes the settings and starts the server. It returns once the server is ready. A restart
// keeps the ports.
func (s *Server) Start() error {
	if s.Nodes != nil {
		return s.startNodes()
	}
	if s.URL == "" {
		var public, admin error
		s.URL, public = freeURL()
		s.AdminURL, admin = freeURL()
		if err := errors.Join(public, admin); err != nil {
			return err
		}
	}
	listen, admin := s.URL[strings.Index(s.URL, "//")+2:], strings.TrimPrefix(s.AdminURL, "http://")
	text := fmt.Sprintf("listen: %q\nadmin_listen: %q\n%s\n", listen, admin, s.Settings)
	if err := os.WriteFile(filepath.Join(s.Dir, s.file()), []byte(text), 0o600); err != nil {
		return err
	}
	args := append(append([]string{}, s.Wrap...), s.Binary, "serve")
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Dir = s.Dir
	s.cmd.Env = slices.Concat(s.environ(), []string{"GOTRACEBACK=all"}, s.Env)
	s.log = &logs{}
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := leftovers.Start(s.cmd); err != nil {
		return err
	}
	read := make(chan struct{})
	go func() { s.log.read(pipe); close(read) }()
	s.exit = make(chan error, 1)
	go func(cmd *exec.Cmd, exit chan error) { <-read; exit <- cmd.Wait() }(s.cmd, s.exit)
	return s.waitReady()
}

// freeURL returns the URL of a port that nothing else takes, not even between the end of a server
// and its next start.
func freeURL() (string, error) {
	port, err := ports.Free()
	return fmt.Sprint("http://127.0.0.1:", port), err
}

// file returns the name of the settings' file.
func (s *Server) file() string { return cmp.Or(s.name, "stile") + ".yaml" }

// waitReady waits for the log lines that name the listeners, then for /readyz. After a restart,
// that reports for up to 3 s that proofs can't be checked; tests without proofs don't wait for it.
func (s *Server) waitReady() error {
	for end := time.Now().Add(maxWait); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		select {
		case err := <-s.exit:
			s.exit <- err
			return fmt.Errorf("the server exited: %v\n%s", err, s.Log())
		default:
		}
		public, admin := s.log.listener("public"), s.log.listener("admin")
		if public == "" || admin == "" {
			continue
		}
		s.URL, s.AdminURL = "http://"+public, "http://"+admin
		if s.Secure {
			s.URL = "https://" + public
		}
		if res, err := s.client().Get(s.URL + "/readyz"); err == nil {
			body, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK || strings.Contains(string(body), `"missing":["proofs"]`) {
				return nil
			}
		}
	}
	return fmt.Errorf("the server is not ready after %v\n%s", maxWait, s.Log())
}

// insecureClient does not check certificates, since tests create them.
var insecureClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func (s *Server) client() *http.Client {
	if s.Secure {
		return insecureClient
	}
	return http.DefaultClient
}

// Log returns what the server has written to standard error since its last start.
func (s *Server) Log() string {
	if s.Nodes != nil {
		return s.Nodes.log()
	}
	return s.log.String()
}

// PID returns the id of the server's process. Several nodes have no such id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Kill ends the server immediately, like kill -9.
func (s *Server) Kill() error {
	if s.Nodes != nil {
		return s.Nodes.end((*Server).Kill)
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.wait(nil)
}

// Stop sends SIGTERM and waits for the server to exit. It returns an error unless the exit code is
// 0.
func (s *Server) Stop() error {
	if s.Nodes != nil {
		return s.Nodes.end((*Server).Stop)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.wait(errors.New("exit code is not 0"))
}

// wait waits for the server to exit. If onFailure is set, an exit code other than 0 is that error.
func (s *Server) wait(onFailure error) error {
	select {
	case err := <-s.exit:
		s.exit <- err
		if err != nil && onFailure != nil {
			return fmt.Errorf("%w: %v\n%s", onFailure, err, s.Log())
		}
		return nil
	case <-time.After(maxWait):
		s.cmd.Process.Kill()
		return fmt.Errorf("the server did not exit within %v\n%s", maxWait, s.Log())
	}
}

// Program returns a command of the program, to run in the server's directory. Of several nodes, it
// is for one that is chosen at random.
func (s *Server) Program(args ...string) *exec.Cmd {
	if s.Nodes != nil && len(s.Nodes.list) > 0 {
		return s.Nodes.any().Program(args...)
	}
	cmd := exec.Command(s.Binary, args...)
	cmd.Dir, cmd.Env = s.Dir, s.environ()
	return cmd
}

// Command runs a command of the program in the server's directory, and returns its standard output.
// If several nodes run, and the command may have changed something, all know that afterwards.
func (s *Server) Command(args ...string) (string, error) {
	if s.Nodes == nil || len(s.Nodes.list) == 0 {
		return s.command(args...)
	}
	n := s.Nodes.any()
	out, err := n.command(args...)
	if err == nil && changes(args) {
		err = s.Nodes.awaitNews(n, args[0] == "content")
	}
	return out, err
}

func (s *Server) command(args ...string) (string, error) {
	cmd := s.Program(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("stile %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return stdout.String(), nil
}

// CommandJSON runs a command with --json, and decodes its output into v.
func (s *Server) CommandJSON(v any, args ...string) error {
	out, err := s.Command(append(args, "--json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		return fmt.Errorf("stile %s --json printed %q: %w", strings.Join(args, " "), out, err)
	}
	return nil
}

// environ returns this process's environment, without settings of stile but the name of the
// settings' file, unless that is the default.
func (s *Server) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "STILE_") })
	if s.name != "" {
		env = append(env, "STILE_CONFIG="+s.file())
	}
	return env
}

// Tenant adds a tenant and returns its secret.
func (s *Server) Tenant(clientID string, args ...string) (secret string, err error) {
	var added struct {
		Secret string `json:"client_secret"`
	}
	err = s.CommandJSON(&added, append([]string{"tenant", "add", clientID}, args...)...)
	return added.Secret, err
}

// Token obtains a token from the token endpoint, as a tenant's server does.
func (s *Server) Token(clientID, secret string) (string, error) {
	return Token(s.client(), s.URL, clientID, secret)
}

// Token obtains a token from the server at an origin, such as that of a proxy.
func Token(c *http.Client, origin, clientID, secret string) (string, error) {
	req, err := http.NewRequest("POST", origin+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var body struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || body.Token == "" {
		return "", fmt.Errorf("token endpoint: %s %s %v", res.Status, body.Error, err)
	}
	return body.Token, nil
}

// logs reads and stores a server's standard error.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
	addr map[string]string // of each listener, by its name
}

func (l *logs) read(r io.Reader) {
	for in := bufio.NewReader(r); ; {
		line, err := in.ReadBytes('\n')
		l.add(line)
		if err != nil {
			return
		}
	}
}

// add stores a line, up to 16 MB in total. If the line names a listener, it stores its address.
func (l *logs) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() < 16<<20 {
		l.text.Write(line)
	}
	var entry struct{ Msg, Listener, Address string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "listening" {
		if l.addr == nil {
			l.addr = map[string]string{}
		}
		l.addr[entry.Listener] = entry.Address
	}
}

func (l *logs) listener(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr[name]
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
