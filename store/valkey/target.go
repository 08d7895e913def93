package valkey

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is what a URL says.
type Target struct {
	Hosts    []string // each with its port; of the Sentinels, if there are any
	Sentinel string   // name of the master that the Sentinels watch
	Cluster  bool
	TLS      bool
	Database int

	scheme         string
	user, password string
}

// maxDatabase bounds the number of a database; servers have 16 by default.
const maxDatabase = 1 << 16

// Parse reads a URL:
//
//	valkey://[user:password@]host[:port][,host[:port]…][/database][?cluster=yes|sentinel=name]
//
// The scheme valkeys uses TLS; redis and rediss are the same as valkey and valkeys. The default port
// is 6379, and 26379 for Sentinels. Several hosts are several members of a Cluster, or several
// Sentinels. Errors never contain the password.
func Parse(text string) (Target, error) {
	t := Target{}
	scheme, rest, found := strings.Cut(text, "://")
	switch scheme {
	case "valkey", "redis":
	case "valkeys", "rediss":
		t.TLS = true
	default:
		found = false
	}
	if !found {
		return t, errors.New("must begin with valkey://, valkeys://, redis:// or rediss://")
	}
	t.scheme = scheme
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	// net/url refuses several hosts, so it gets only what precedes and follows them.
	hosts := authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		hosts = authority[i+1:]
	}
	u, err := url.Parse(scheme + "://" + strings.TrimSuffix(authority, hosts) + "host" + path)
	if err != nil {
		return t, errors.New("must be a URL, such as valkey://host:6379/0; special characters in the password must be escaped, such as %40 for @")
	}
	if err := t.readQuery(u); err != nil {
		return t, err
	}
	if u.User != nil {
		t.user = u.User.Username()
		t.password, _ = u.User.Password()
	}
	if err := t.readHosts(hosts); err != nil {
		return t, err
	}
	return t, t.readDatabase(strings.TrimPrefix(u.Path, "/"))
}

func (t *Target) readQuery(u *url.URL) error {
	if u.Fragment != "" {
		return errors.New("must not contain #")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("invalid parameters after ?")
	}
	for name, values := range query {
		value := values[0]
		switch {
		case len(values) > 1:
			return fmt.Errorf("parameter %q: must be given once", name)
		case name == "sentinel" && value != "":
			t.Sentinel = value
		case name == "sentinel":
			return errors.New("parameter sentinel: must name the master that the Sentinels watch, such as sentinel=mymaster")
		case name == "cluster" && (value == "yes" || value == "no"):
			t.Cluster = value == "yes"
		case name == "cluster":
			return errors.New("parameter cluster: must be yes or no")
		default:
			return fmt.Errorf("parameter %q: unknown; known are cluster and sentinel", name)
		}
	}
	if t.Cluster && t.Sentinel != "" {
		return errors.New("parameters cluster and sentinel: must not be combined; a Cluster elects its masters itself")
	}
	return nil
}

func (t *Target) readHosts(list string) error {
	port := "6379"
	if t.Sentinel != "" {
		port = "26379"
	}
	for host := range strings.SplitSeq(list, ",") {
		address, err := withPort(host, port)
		if err != nil {
			return fmt.Errorf("host %q: %w", host, err)
		}
		t.Hosts = append(t.Hosts, address)
	}
	if len(t.Hosts) > 1 && !t.Cluster && t.Sentinel == "" {
		return errors.New("several hosts need ?cluster=yes or ?sentinel=name")
	}
	return nil
}

// withPort returns a host with its port, or with the default one.
func withPort(host, port string) (string, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = name
	} else if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	} else if strings.Contains(host, ":") {
		return "", errors.New("must be a host with an optional port, and brackets around an IPv6 address")
	}
	if host == "" || strings.ContainsAny(host, " []%") {
		return "", errors.New("must be a name or an IP address")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("invalid port %q", port)
	}
	return net.JoinHostPort(host, port), nil
}

func (t *Target) readDatabase(path string) error {
	if path == "" {
		return nil
	}
	n, err := strconv.Atoi(path)
	if err != nil || n < 0 || n >= maxDatabase {
		return errors.New("the path must be the number of a database, such as /0")
	}
	if t.Cluster && n != 0 {
		return errors.New("a Cluster has only database 0; use a prefix to share it")
	}
	t.Database = n
	return nil
}

// String returns the URL without user and password.
func (t Target) String() string {
	s := t.scheme + "://" + strings.Join(t.Hosts, ",")
	if t.Database != 0 {
		s += "/" + strconv.Itoa(t.Database)
	}
	switch {
	case t.Cluster:
		s += "?cluster=yes"
	case t.Sentinel != "":
		s += "?sentinel=" + url.QueryEscape(t.Sentinel)
	}
	return s
}

func (t Target) tls(config *tls.Config) *tls.Config {
	switch {
	case !t.TLS:
		return nil
	case config == nil:
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return config.Clone()
}

// target returns the target of the options, with the user and the password that apply.
func (o Options) target() (Target, error) {
	t, err := Parse(o.URL)
	if err != nil {
		return t, fmt.Errorf("URL of the engine: %w", err)
	}
	if o.User != "" || o.Password != "" {
		t.user, t.password = o.User, o.Password
	}
	if strings.ContainsAny(o.Prefix, "{}") || len(o.Prefix) > maxPrefix {
		return t, fmt.Errorf("prefix %q: must not contain braces, and have at most %d bytes", o.Prefix, maxPrefix)
	}
	return t, nil
}
