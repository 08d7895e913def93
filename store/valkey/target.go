package valkey

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"stile.example/stile/outbound/authority"
)

// Target is what a URL says.
type Target struct {
	Hosts    []string // each with its port; of the Sentinels, if there are any
	Sentinel string   // name of the master that the Sentinels watch
	Cluster  bool
	TLS      bool
	Database int

	CA                   string // file with certificates of authorities; "": those of the machine
	SentinelUser         string
	SentinelPasswordFile string

	scheme         string
	user, password string
}

// maxDatabase bounds the number of a database; servers have 16 by default.
const maxDatabase = 1 << 16

// Parse reads a URL:
//
//	valkey://[user:password@]host[:port][,host[:port]…][/database][?cluster=yes|sentinel=name]
//
// The scheme valkeys uses TLS; redis and rediss are the same as valkey and valkeys. The default
// port is 6379, and 26379 for Sentinels. Several hosts are several members of a Cluster, or several
// Sentinels. The parameter ca names a file with the authorities that are trusted instead of those
// of the machine; sentinel_user and sentinel_password_file are for the login at the Sentinels.
// Errors never contain the password.
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
		if len(values) > 1 {
			return fmt.Errorf("parameter %q: must be given once", name)
		}
		if err := t.set(name, value); err != nil {
			return err
		}
	}
	switch {
	case t.Cluster && t.Sentinel != "":
		return errors.New("parameters cluster and sentinel: must not be combined; a Cluster elects its masters itself")
	case t.CA != "" && !t.TLS:
		return errors.New("parameter ca: needs TLS; begin the URL with valkeys:// or rediss://, or remove the parameter")
	case t.Sentinel == "" && (t.SentinelUser != "" || t.SentinelPasswordFile != ""):
		return errors.New("parameters sentinel_user and sentinel_password_file: need sentinel=name")
	case t.SentinelUser != "" && t.SentinelPasswordFile == "":
		return errors.New("parameter sentinel_user: needs sentinel_password_file=FILE")
	}
	return nil
}

func (t *Target) set(name, value string) error {
	switch name {
	case "sentinel":
		if t.Sentinel = value; value == "" {
			return errors.New("parameter sentinel: must name the master that the Sentinels watch, such as sentinel=mymaster")
		}
	case "cluster":
		if t.Cluster = value == "yes"; value != "yes" && value != "no" {
			return errors.New("parameter cluster: must be yes or no")
		}
	case "ca":
		if t.CA = value; value == "" {
			return errors.New("parameter ca: must name a file with the certificate of the authority")
		}
	case "sentinel_user":
		t.SentinelUser = value
	case "sentinel_password_file":
		t.SentinelPasswordFile = value
	default:
		return fmt.Errorf("parameter %q: unknown; known are cluster, sentinel, sentinel_user, sentinel_password_file and ca", name)
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

// String returns the URL without user, password and files.
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

// tlsConfig returns the configuration of TLS, nil without it.
func (t Target) tlsConfig() (*tls.Config, error) {
	if !t.TLS {
		return nil, nil
	}
	config, err := authority.Config(t.CA)
	if err != nil {
		return nil, fmt.Errorf("parameter ca of the URL: %w", err)
	}
	return config, nil
}

// maxPassword is the maximum size of the file with the password of the Sentinels.
const maxPassword = 4096

// sentinelPassword returns the password for the Sentinels, "" if they need none.
func (t Target) sentinelPassword() (string, error) {
	if t.SentinelPasswordFile == "" {
		return "", nil
	}
	const parameter = "parameter sentinel_password_file of the URL: "
	raw, err := os.ReadFile(t.SentinelPasswordFile)
	if err != nil {
		return "", fmt.Errorf(parameter+"%w: it must have the password of the Sentinels, and the user that runs stile must be able to read it", err)
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf(parameter+"%s must contain a password of at most %d bytes", t.SentinelPasswordFile, maxPassword)
	}
	return password, nil
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
