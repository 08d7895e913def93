package operators

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/challenge"
)

// TestNginx runs nginx with the page's configuration.
func TestNginx(t *testing.T) {
	p := newProxy(t)
	site := contentOf(t, "/etc/nginx/sites-available/stile")
	site = replace(t, site, "server 127.0.0.1:8080;", "server "+p.recorder.address+";",
		"listen 80;", "listen "+strconv.Itoa(p.plain)+";", "listen 443 ssl", "listen "+strconv.Itoa(p.tls)+" ssl",
		"/etc/letsencrypt/live/api.example/fullchain.pem", p.path("cert.pem"), "/etc/letsencrypt/live/api.example/privkey.pem", p.path("key.pem"),
		"/var/log/nginx/", p.dir+"/", "/var/www/html", p.dir)
	if hasIPv6() {
		site = replace(t, site, "listen [::]:80;", "listen [::]:"+strconv.Itoa(p.plain)+";", "listen [::]:443 ssl", "listen [::]:"+strconv.Itoa(p.tls)+" ssl")
	} else {
		site = regexp.MustCompile(`(?m)^.*listen \[::\].*\n`).ReplaceAllString(site, "")
	}
	write(t, p.path("site"), site, 0o644)
	// As Debian's nginx.conf, whose access log has the query.
	write(t, p.path("nginx.conf"), `daemon off;
pid `+p.path("nginx.pid")+`;
error_log `+p.path("error.log")+`;
events { worker_connections 768; }
http {
  client_body_temp_path `+p.path("body")+`; proxy_temp_path `+p.path("proxy")+`; fastcgi_temp_path `+p.path("fastcgi")+`;
  uwsgi_temp_path `+p.path("uwsgi")+`; scgi_temp_path `+p.path("scgi")+`;
  access_log `+p.path("access.log")+`;
  include `+p.path("site")+`;
}
`, 0o644)
	p.start("nginx", "-e", p.path("error.log"), "-p", p.dir, "-c", p.path("nginx.conf"))
	p.testAll(false)
	if !regexp.MustCompile(`(?m)^127\.0\.0\.2 \[[^]]+\] "GET /v1/items" 200 \d+ `).MatchString(p.logs()) {
		t.Errorf("nginx does not log the calls:\n%s", p.logs())
	}
}

// TestCaddy runs Caddy with the page's configuration.
func TestCaddy(t *testing.T) {
	p := newProxy(t)
	file := contentOf(t, "/etc/caddy/Caddyfile")
	ports := fmt.Sprintf("{\n\tadmin off\n\thttp_port %d\n\thttps_port %d\n", p.plain, p.tls)
	file = strings.Replace(file, "\n{\n", "\n"+ports, 1)
	file = replace(t, file, "https_port "+strconv.Itoa(p.tls), "https_port "+strconv.Itoa(p.tls), "127.0.0.1:8080", p.recorder.address,
		"api.example {\n", "api.example {\n\ttls "+p.path("cert.pem")+" "+p.path("key.pem")+"\n")
	write(t, p.path("Caddyfile"), file, 0o644)
	p.start("caddy", "run", "--config", p.path("Caddyfile"), "--adapter", "caddyfile")
	p.testAll(true)
	if !strings.Contains(p.logs(), `"uri":"/v1/items"`) {
		t.Errorf("Caddy does not log the errors:\n%s", p.logs())
	}
}

func hasIPv6() bool {
	_, err := os.Stat("/proc/net/if_inet6")
	return err == nil
}

// testAll checks a running proxy. keepsChunks says that it passes on a body without a length as it
// is.
func (p *proxy) testAll(keepsChunks bool) {
	p.testTransports()
	p.testAddress()
	p.testPaths()
	p.testBodies(keepsChunks)
	p.testLongURLs()
	p.testTLS()
	p.testSmuggling()
	p.testChallenge()
	p.testRestart()
	if logs := p.logs(); strings.Contains(logs, "access_token") || strings.Contains(logs, p.token[:40]) || strings.Contains(logs, p.secret) {
		p.t.Errorf("the proxy's logs contain a query, a token or a secret:\n%s", logs)
	}
}

// call returns the URL of a JSONP call, which contains the token.
func (p *proxy) call() string {
	return "https://" + host + "/v1/items?client_id=acme&callback=show&access_token=" + p.token
}

func (p *proxy) testTransports() {
	t := p.t
	for _, http2 := range []bool{true, false} {
		c := p.client(http2)
		if a := p.send(c, "GET", p.call(), ""); a.status != 200 || !strings.HasPrefix(a.body, "/**/ typeof show === 'function' && show({\"data\":[{\"id\":\"a\"") || a.major != map[bool]int{true: 2, false: 1}[http2] {
			t.Errorf("JSONP over HTTP/%d: %d %s", a.major, a.status, a.body)
		}
		a := p.send(c, "GET", "https://"+host+"/v1/items?client_id=acme", "", "Authorization: Bearer "+p.token)
		if a.status != 200 || !strings.HasPrefix(a.body, `{"data":[{"id":"a"`) || a.head.Get("Strict-Transport-Security") != "max-age=31536000" || a.head.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("JSON: %d %v %s", a.status, a.head, a.body)
		}
		if a := p.send(c, "POST", "https://"+host+"/v1/items", "client_id=acme&access_token="+p.token); a.status != 200 {
			t.Errorf("a form: %d %s", a.status, a.body)
		}
		if a := p.send(c, "GET", "https://"+host+"/widgets/v1/stile.js", "", "Accept-Encoding: gzip"); a.status != 200 || a.head.Get("Content-Encoding") != "gzip" {
			t.Errorf("the widgets: %d %v", a.status, a.head)
		}
	}
}

var reference = regexp.MustCompile(`"ref":"([0-9A-Z-]+)"`)

// testAddress checks that the last address that stile gets is that of the connection to the proxy,
// that stile trusts it, and that it ignores one that the client names. stile shows all loopback
// addresses as 127.0.0.1.
func (p *proxy) testAddress() {
	last := regexp.MustCompile(`(?mi)^X-Forwarded-For: (?:.*, )?` + regexp.QuoteMeta(visitor) + "\r$")
	for _, forged := range []string{"203.0.113.9", "203.0.113.9, 127.0.0.1", "not an address"} {
		p.recorder.take()
		p.wantAddress("https://"+host, forged, "127.0.0.1")
		if sent := p.recorder.take(); !last.MatchString(sent) || strings.Count(strings.ToLower(sent), "x-forwarded-for:") != 1 {
			p.t.Errorf("X-Forwarded-For: %s: the proxy sends\n%s", forged, sent)
		}
	}
	p.wantAddress(p.stile.URL, "203.0.113.9", "203.0.113.9") // as the proxy sends it for a visitor
}

func (p *proxy) wantAddress(origin, forwarded, want string) {
	p.t.Helper()
	c := p.client(true)
	if origin == p.stile.URL {
		c = http.DefaultClient
	}
	a := p.send(c, "GET", origin+"/v1/items?client_id=acme", "", "X-Forwarded-For: "+forwarded, "Authorization: Bearer a.b.c")
	m := reference.FindStringSubmatch(a.body)
	if m == nil {
		p.t.Fatalf("X-Forwarded-For: %s: %s", forwarded, a.body)
	}
	var seen struct{ Address string }
	check(p.t, p.stile.CommandJSON(&seen, "explain", m[1]))
	if seen.Address != want {
		p.t.Errorf("X-Forwarded-For: %s: stile sees %s, want %s", forwarded, seen.Address, want)
	}
}

// testPaths checks that a path and a query arrive as they were sent.
func (p *proxy) testPaths() {
	for _, path := range []string{"/v1/items/a%2Fb", "/v1/items/a%252Fb", "/v1/items/%2e%2e", "/v1/items/%61", "/v1/items/a%20b", "/v1/items/%E6%97%A5",
		"/v1/items/a+b;c=1", "/v1//items", "/v1/items/a%0Ab", "/v1/items?q=%zz", "/v1/items?q=a%26b&x[]=1&y='\"", "/v1/items?q=a+b%20c&callback=a.b"} {
		p.recorder.take()
		p.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
		if sent := p.recorder.take(); !strings.HasPrefix(sent, "GET "+path+" HTTP/1.1\r\n") {
			line, _, _ := strings.Cut(sent, "\r\n")
			p.t.Errorf("%s arrived as %q", path, line)
		}
	}
}

// raw sends the bytes of a request, and returns the status of the response, 0 if there is none.
func (p *proxy) raw(request string) (status int, body string) {
	p.t.Helper()
	plain, err := p.dial(context.Background(), p.tls)
	check(p.t, err)
	defer plain.Close()
	c := tls.Client(plain, &tls.Config{RootCAs: p.roots, ServerName: host})
	check(p.t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(c, request)
	check(p.t, err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func (p *proxy) testBodies(keepsChunks bool) {
	form := "client_id=acme&access_token=" + p.token
	url := "https://" + host + "/v1/items"
	if a := p.send(p.client(true), "POST", url, form+"&_="+strings.Repeat("x", 12_000)); a.status != 200 {
		p.t.Errorf("a form of 12 KB: %d %s", a.status, a.body)
	}
	if a := p.send(p.client(true), "POST", url, form+"&_="+strings.Repeat("x", 20_000)); !strings.Contains(a.body, `"error":{`) {
		p.t.Errorf("a form of 20 KB is not refused by stile: %d %s", a.status, a.body)
	}
	status, body := p.raw("POST /v1/items HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n" +
		fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(form), form))
	if keepsChunks && (status != 400 || !strings.Contains(body, "Content-Length")) || !keepsChunks && status != 200 {
		p.t.Errorf("a body in chunks: %d %s", status, body)
	}
}

// testLongURLs checks that the proxy passes on URLs that stile accepts, and does not fail at longer
// ones.
func (p *proxy) testLongURLs() {
	if a := p.send(p.client(true), "GET", p.call()+"&_="+strings.Repeat("x", 12_000), ""); a.status != 200 || !strings.Contains(a.body, `"data"`) {
		p.t.Errorf("a URL of 12 KB: %d %.200s", a.status, a.body)
	}
	if a := p.send(p.client(false), "GET", p.call()+"&_="+strings.Repeat("x", 15_000), ""); a.status != 200 || !strings.Contains(a.body, `"data"`) {
		p.t.Errorf("a URL of 15 KB: %d %.200s", a.status, a.body)
	}
	p.testTooLongURL()
}

// testTooLongURL checks that a URL of 40 KB is refused. The proxy may close the connection before
// it has read all of it.
func (p *proxy) testTooLongURL() {
	res, err := p.client(false).Get(p.call() + "&_=" + strings.Repeat("x", 40_000))
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return
	}
	check(p.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(p.t, err)
	if a := (answer{status: res.StatusCode, body: string(text)}); !isTooLong(a) {
		p.t.Errorf("a URL of 40 KB: %d %.200s", a.status, a.body)
	}
}

// isTooLong reports whether a proxy or stile refused a URL. Stile's status is in the script.
func isTooLong(a answer) bool {
	return a.status >= 400 && a.status < 500 || a.status == 200 && strings.Contains(a.body, `"status":431`)
}

// testTLS checks that old versions are refused, and that plain HTTP leads to HTTPS.
func (p *proxy) testTLS() {
	c, err := p.dial(context.Background(), p.tls)
	check(p.t, err)
	defer c.Close()
	if err := tls.Client(c, &tls.Config{RootCAs: p.roots, ServerName: host, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake(); err == nil {
		p.t.Error("TLS 1.1 is accepted")
	}
	plain := strings.Replace(p.call(), "https:", "http:", 1)
	if a := p.send(p.client(false), "GET", plain, ""); a.status/100 != 3 || a.head.Get("Location") != p.call() {
		p.t.Errorf("plain HTTP: %d %v", a.status, a.head)
	}
}

// testChallenge calls until a challenge is issued, and solves it.
func (p *proxy) testChallenge() {
	c, token := p.client(true), p.token
	for range 60 {
		a := p.send(c, "GET", "https://"+host+"/v1/items?client_id=acme", "", "Authorization: Bearer "+token)
		if a.status == 200 {
			continue
		}
		var got struct {
			Error struct {
				Code      string
				Challenge struct {
					ID         string
					Parameters *challenge.Parameters
				}
			}
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Error.Code != "challenge_required" {
			p.t.Fatalf("no challenge: %s", a.body)
		}
		solution, err := challenge.Solve(context.Background(), *got.Error.Challenge.Parameters)
		check(p.t, err)
		a = p.send(c, "POST", "https://"+host+"/v1/challenges/"+got.Error.Challenge.ID+"/answer", "client_id=acme&access_token="+token+"&answer="+strconv.Itoa(int(solution.Counter)))
		if a.status != 200 || !strings.Contains(a.body, `"solved":true`) {
			p.t.Errorf("the answer: %d %s", a.status, a.body)
		}
		return
	}
	p.t.Error("no call was challenged")
}

// testRestart checks that the proxy responds while stile is stopped, and that calls are answered
// again without a change to the proxy.
func (p *proxy) testRestart() {
	p.recorder.close()
	check(p.t, p.stile.Stop())
	c := p.client(true)
	for range 2 {
		if a := p.send(c, "GET", p.call(), ""); a.status != 502 {
			p.t.Errorf("while stile is stopped: %d %s", a.status, a.body)
		}
	}
	check(p.t, p.stile.Start())
	p.recorder.listen()
	if a := p.send(c, "GET", p.call(), ""); a.status != 200 || !strings.Contains(a.body, `"data"`) {
		p.t.Errorf("after the restart: %d %s", a.status, a.body)
	}
}
