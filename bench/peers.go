package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/stiletest/leftovers"
)

// peer is another program that checks tokens and counts their calls. bench/peers has the
// configurations.
type peer struct {
	key, name string
	// command returns the command that serves, in the folder bench/peers. It reads its settings from
	// the environment: PEER_LISTEN, PEER_KEY, PEER_ISSUER, PEER_BODY. Its error says what is missing.
	command       func(b *bench, folder string) (*exec.Cmd, error)
	checksNothing bool
}

var allPeers = []peer{
	{"peers/fastify", "Fastify, JWT cache, rate limit", fastify("1"), false},
	{"peers/fastify-2", "Fastify, 2 processes, 2 counts", fastify("2"), false},
	{"peers/haproxy", "HAProxy, jwt_verify, stick table", haproxy, false},
	{"peers/echo-jwt", "Echo, echo-jwt, RateLimiter", echoJWT, false},
	{"peers/caddy", "Caddy, a file, no checks", caddy, true},
}

// peers compares stile with other programs.
func peers(b *bench) ([]*kind, error) {
	s, t, calls, body, err := b.oneItem()
	if err != nil {
		return nil, err
	}
	base, err := b.bareKind("peers/echo", "bare Echo", "echo", t, calls, body)
	if err != nil {
		return nil, err
	}
	kinds := []*kind{base, against(base, b.own("peers/stile", "stile, JSONP, durable", s, t, calls))}
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	env, err := s.peerEnvironment(dir, body)
	if err != nil {
		return nil, err
	}
	for _, p := range allPeers {
		server, err := b.startPeer(p, env)
		if err == nil && !p.checksNothing {
			err = t.checkRefusal(server.addr)
		}
		if err == nil {
			err = t.warmUp(server.addr, calls)
		}
		if err != nil {
			b.skip("%s: %v", p.name, err)
			continue
		}
		kinds = append(kinds, against(base, b.foreign(p.key, p.name, server, t, calls)))
	}
	return kinds, nil
}

// peerEnvironment writes the files that the other programs need, and returns their environment.
func (s *subject) peerEnvironment(dir string, body []byte) ([]string, error) {
	public, err := s.publicKey()
	if err != nil {
		return nil, err
	}
	key, file := filepath.Join(dir, "key.pem"), filepath.Join(dir, "body")
	err = errors.Join(os.WriteFile(key, public, 0o600), os.WriteFile(file, body, 0o600))
	issuer := "http://localhost" + s.server.URL[strings.LastIndexByte(s.server.URL, ':'):]
	return append(os.Environ(), "PEER_KEY="+key, "PEER_BODY="+file, "PEER_FOLDER="+dir, "PEER_FILE=body", "PEER_ISSUER="+issuer), err
}

// startPeer starts another program on a free port, and returns when it serves.
func (b *bench) startPeer(p peer, env []string) (*process, error) {
	folder, err := peersFolder()
	if err != nil {
		return nil, err
	}
	cmd, err := p.command(b, folder)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	var output strings.Builder
	cmd.Env = append(append(env, cmd.Env...), "PEER_LISTEN="+addr)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // for its children too
	if err := leftovers.Start(cmd); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	b.later(func() { cmd.Process.Signal(syscall.SIGTERM); <-ended })
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		select {
		case <-ended:
			return nil, fmt.Errorf("it does not start: %.1000s", output.String())
		case <-time.After(20 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return &process{addr, engines.Family(cmd.Process.Pid)}, nil
		}
	}
	return nil, errors.New("it does not serve after 30 s")
}

// warmUp calls a server five times with each token, so that its cache has them and its code is
// compiled.
func (t *tokenSet) warmUp(addr string, calls []call) error {
	for range 5 {
		p := t.plan(addr, t.groups, calls, t.once(t.groups))
		p.Duration = time.Minute
		if _, err := p.Run(); err != nil {
			return err
		}
	}
	return nil
}

// checkRefusal checks that a server refuses a token whose signature is damaged.
func (t *tokenSet) checkRefusal(addr string) error {
	token := []byte(t.start + string(t.rest(0)))
	damaged := &token[len(token)-10]
	if *damaged == 'A' {
		*damaged = 'B'
	} else {
		*damaged = 'A'
	}
	res, err := http.Get("http://" + addr + oneItem.path + "?client_id=acme&callback=cb&access_token=" + string(token))
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("it responds to a damaged token with %s instead of 401", res.Status)
	}
	return nil
}

// publicKey returns the key that verifies the subject's tokens, in PEM.
func (s *subject) publicKey() ([]byte, error) {
	res, err := http.Get(s.server.URL + "/.well-known/jwks.json")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var set struct {
		Keys []struct {
			Alg  string
			X, Y string
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, k := range set.Keys {
		if k.Alg == "ES256" {
			return publicPEM(k.X, k.Y)
		}
	}
	return nil, errors.New("the server has no ES256 key")
}

// publicPEM returns a P-256 key in PEM.
func publicPEM(x, y string) ([]byte, error) {
	point := []byte{4} // uncompressed
	for _, part := range []string{x, y} {
		bytes, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, err
		}
		point = append(point, bytes...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// fastify runs Fastify in some processes.
func fastify(processes string) func(*bench, string) (*exec.Cmd, error) {
	return func(_ *bench, folder string) (*exec.Cmd, error) {
		node, err := exec.LookPath("node")
		if err == nil {
			_, err = os.Stat(filepath.Join(folder, "fastify", "node_modules", "fastify"))
		}
		if err != nil {
			return nil, errors.New("its modules or Node.js are missing: `make needs-peers` installs them")
		}
		cmd := exec.Command(node, "server.mjs")
		cmd.Dir, cmd.Env = filepath.Join(folder, "fastify"), []string{"PEER_PROCESSES=" + processes, "NODE_ENV=production"}
		return cmd, nil
	}
}

func haproxy(_ *bench, folder string) (*exec.Cmd, error) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/haproxy") // which is not in the PATH of every user
	}
	if err != nil {
		return nil, errors.New("haproxy is missing: `make needs-peers` installs it")
	}
	return exec.Command(program, "-db", "-q", "-f", filepath.Join(folder, "haproxy", "haproxy.cfg")), nil
}

// echoJWT builds its program, which is a module of its own.
func echoJWT(b *bench, folder string) (*exec.Cmd, error) {
	program := filepath.Join(b.dir, "echo-jwt")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env = filepath.Join(folder, "echo"), append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("it can't be built: %.500s", out)
	}
	return exec.Command(program), nil
}

func caddy(b *bench, folder string) (*exec.Cmd, error) {
	program, err := exec.LookPath("caddy")
	if err != nil {
		return nil, errors.New("caddy is missing: `make needs-peers` installs it")
	}
	cmd := exec.Command(program, "run", "--adapter", "caddyfile", "--config", filepath.Join(folder, "caddy", "Caddyfile"))
	cmd.Env = []string{"HOME=" + b.dir, "XDG_CONFIG_HOME=" + b.dir} // where it saves its configuration
	return cmd, nil
}

// peersFolder returns the folder bench/peers of the source of this program.
func peersFolder() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(file), "peers")
	if _, err := os.Stat(folder); !ok || err != nil {
		return "", fmt.Errorf("the configurations are missing: run bench in the repository")
	}
	return folder, nil
}
