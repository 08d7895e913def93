package issuers

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// countingListener counts the connections to it.
type countingListener struct {
	net.Listener
	came atomic.Int32
}

func listenAndCount(t *testing.T) *countingListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &countingListener{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.came.Add(1)
			conn.Close()
		}
	}()
	return d
}

func (d *countingListener) port() string {
	return d.Addr().String()[strings.LastIndexByte(d.Addr().String(), ':'):]
}

// TestS25_NoConnection checks that an issuer on the internet can't make us connect to this machine,
// whatever its documents contain.
func TestS25_NoConnection(t *testing.T) {
	d := listenAndCount(t)
	c := newClient(false, "https://issuer.example")
	for _, address := range []string{
		"http://127.0.0.1", "https://127.0.0.1", "http://localhost", "https://localhost", "http://[::ffff:127.0.0.1]", "http://2130706433",
		"http://127.1", "http://user:secret@127.0.0.1", "https://0.0.0.0", "http://127.0.0.1.", "gopher://127.0.0.1", "ftp://127.0.0.1", "//127.0.0.1",
	} {
		if _, err := c.get(t.Context(), address+d.port()+"/keys"); err == nil {
			t.Errorf("%s was read", address)
		}
	}
	if _, err := c.get(t.Context(), "file:///etc/passwd"); err == nil {
		t.Error("a file was read")
	}
	if n := d.came.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if _, err := newClient(false, "http://127.0.0.1"+d.port()).get(t.Context(), "http://127.0.0.1"+d.port()); err == nil || d.came.Load() == 0 {
		t.Errorf("the listener is not reached at all: %v", err)
	}
}

// TestS25_Redirects checks that redirects by an issuer are not followed.
func TestS25_Redirects(t *testing.T) {
	d, i := listenAndCount(t), newIDP(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		i.serve("/keys", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+d.Addr().String()+"/keys")
			w.WriteHeader(status)
			io.WriteString(w, jwks("a"))
		})
		if _, err := newClient(false, i.URL).get(t.Context(), i.URL+"/keys"); err == nil {
			t.Errorf("%d was taken for an answer", status)
		}
	}
	if n := d.came.Load(); n != 0 || i.count("/keys") != 5 {
		t.Errorf("%d connections, %d questions", n, i.count("/keys"))
	}
}

// TestS25_Rebinding checks that a name is refused if it resolves to the internet first, and to this
// machine when the connection is made.
func TestS25_Rebinding(t *testing.T) {
	d := listenAndCount(t)
	names := serveNames(t, "9.9.9.9", "127.0.0.1")
	c := newClient(false, "https://rebind.example")
	if list, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "rebind.example"); err != nil || list[0].String() != "9.9.9.9" {
		t.Fatalf("the name servers of this test: %v, %v", list, err)
	}
	for _, scheme := range []string{"https", "http"} {
		if _, err := c.get(t.Context(), scheme+"://rebind.example"+d.port()+"/keys"); !errors.Is(err, errForbidden) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	if n := d.came.Load(); n != 0 || names.Load() < 3 {
		t.Errorf("%d connections after %d questions for the name", n, names.Load())
	}
}

// TestS25_MetadataStaysAway checks that allow_private admits neither link-local nor metadata
// addresses: as an address, by a name, by a name that changes, or by a redirect.
func TestS25_MetadataStaysAway(t *testing.T) {
	c := newClient(true, "http://issuer.example")
	for _, host := range []string{
		"169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::]", "[2001:0:1:2:3:4:5601:5601]",
		"[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0", "[::]", "[ff02::1]", "2852039166", "0xa9fea9fe", "metadata.example",
	} {
		serveNames(t, "169.254.169.254", "169.254.169.254")
		for _, scheme := range []string{"http", "https"} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err := c.get(ctx, scheme+"://"+host+"/latest")
			if digits := host[0] == '2' || host[1] == 'x'; !errors.Is(err, errForbidden) && !digits || err == nil {
				t.Errorf("%s://%s: %v", scheme, host, err)
			}
			cancel()
		}
	}
	names := serveNames(t, "10.0.0.1", "169.254.169.254")
	if list, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "rebind.example"); err != nil || list[0].String() != "10.0.0.1" {
		t.Fatalf("the name servers of this test: %v, %v", list, err)
	}
	if _, err := c.get(t.Context(), "http://rebind.example/"); !errors.Is(err, errForbidden) || names.Load() < 2 {
		t.Errorf("a name that changes: %v", err)
	}
	i := newIDP(t)
	i.serve("/keys", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	})
	if _, err := newClient(true, i.URL).get(t.Context(), i.URL+"/keys"); err == nil || errors.Is(err, errForbidden) {
		t.Errorf("a redirect was followed: %v", err)
	}
}

// TestS25_PlainHTTPStaysAtHome checks that there are no requests over the internet without TLS.
func TestS25_PlainHTTPStaysAtHome(t *testing.T) {
	serveNames(t, "9.9.9.9", "9.9.9.9")
	if _, err := newClient(true, "http://issuer.example").get(t.Context(), "http://issuer.example/keys"); !errors.Is(err, errForbidden) {
		t.Errorf("%v", err)
	}
}

// serveNames makes this process's resolver use a name server of the test. The server answers the
// first query with one address, and all others with another.
func serveNames(t *testing.T, first, then string) *atomic.Int32 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := &atomic.Int32{}
	go func() {
		for buf := make([]byte, 512); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			ip := netip.MustParseAddr(first)
			if answer := nameAnswer(buf[:n]); answer != nil {
				if asked.Add(1) > 1 {
					ip = netip.MustParseAddr(then)
				}
				conn.WriteTo(append(answer, ip.AsSlice()...), from)
			} else {
				conn.WriteTo(noAnswer(buf[:n]), from)
			}
		}
	}()
	was := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = was; conn.Close() })
	return asked
}

// question returns the question of a DNS message, after its header of 12 bytes.
func nameQuestion(msg []byte) (q []byte, kind uint16) {
	end := 12
	for msg[end] != 0 {
		end += int(msg[end]) + 1
	}
	return msg[12 : end+5], binary.BigEndian.Uint16(msg[end+1:])
}

// nameAnswer returns the start of a DNS response with one A record, up to the address. It is nil
// for queries of another type.
func nameAnswer(msg []byte) []byte {
	q, kind := nameQuestion(msg)
	if kind != 1 {
		return nil
	}
	head := append([]byte{msg[0], msg[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, q...)
	return append(head, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
}

func noAnswer(msg []byte) []byte {
	q, _ := nameQuestion(msg)
	return append([]byte{msg[0], msg[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q...)
}

// TestErrorsNameURLOnce checks that an error of a fetch of keys says once which URL it is about.
func TestErrorsNameURLOnce(t *testing.T) {
	i := newIDP(t)
	down := newIDP(t)
	down.Close()
	i.says("/text", "not a JWK Set")
	i.says("/long", strings.Repeat(" ", maxBody+1))
	for _, keys := range []string{i.URL + "/missing", i.URL + "/text", i.URL + "/long", down.URL + "/keys"} {
		r := NewKeyCache(Endpoint{Issuer: "https://issuer.example", Keys: keys}, time.Now, quiet)
		if _, _, err := r.Probe(t.Context()); err == nil || strings.Count(err.Error(), keys) != 1 {
			t.Errorf("%s: %v", keys, err)
		}
	}
}
