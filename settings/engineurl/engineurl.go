// Package engineurl reads the URLs of engines. Unlike other URLs, they may have several hosts, and
// they often have passwords, which no error contains.
package engineurl

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// URL is a URL that may have several hosts, with commas, which net/url refuses.
type URL struct {
	Scheme, Hosts string // hosts with commas
	User          *url.Userinfo
	Path          *url.URL // path and parameters
}

// maxLength is the maximum length of a URL.
const maxLength = 2048

var (
	ErrInvalid = errors.New("is not a valid URL; characters such as @, / and # in a password must be written as %40, %2F and %23, or put the password into a file")
	hostForm   = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
)

// Split parses a URL. Its errors never contain a part of it.
func Split(text string) (u URL, err error) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	u.Scheme, u.Hosts = scheme, authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.Hosts = authority[i+1:]
	}
	if len(text) > maxLength || strings.ContainsAny(scheme, "/?#") {
		return u, ErrInvalid
	}
	whole, err := url.Parse(scheme + "://" + strings.TrimSuffix(authority, u.Hosts) + "host" + path)
	if err != nil {
		return u, ErrInvalid
	}
	u.User, u.Path = whole.User, &url.URL{Path: whole.Path, RawPath: whole.RawPath, RawQuery: whole.RawQuery, Fragment: whole.Fragment}
	return u, nil
}

// String returns the whole URL, with the password.
func (u URL) String() string {
	text := u.Scheme + "://"
	if u.User != nil {
		text += u.User.String() + "@"
	}
	return text + u.Hosts + u.Path.String()
}

// HasPassword reports whether the URL has a password, before the hosts or as a parameter.
func (u URL) HasPassword() bool {
	if u.User != nil {
		if _, has := u.User.Password(); has {
			return true
		}
	}
	return u.Path.Query().Has("password")
}

// Join writes several URLs of the members of a Cluster as one with several hosts.
func Join(text string) (one, problem string) {
	scheme, _, _ := strings.Cut(text, "://")
	if strings.Count(text, "://") < 2 {
		return text, ""
	}
	for part := range strings.SplitSeq(text, ",") {
		if strings.Contains(part, "://") && !strings.HasPrefix(part, scheme+"://") {
			return "", "the URLs must have the same scheme"
		}
	}
	var first URL
	query := url.Values{}
	for i, part := range strings.Split(text, ","+scheme+"://") {
		if i > 0 {
			part = scheme + "://" + part
		}
		u, err := Split(part)
		switch {
		case err != nil:
			return "", err.Error()
		case i > 0 && u.User != nil && (first.User == nil || u.User.String() != first.User.String()):
			return "", "the URLs must have the same user and password"
		}
		for name, values := range u.Path.Query() {
			if query.Has(name) && !slices.Equal(query[name], values) {
				return "", "the URLs must have the same parameters, or only one of them has parameters"
			}
			query[name] = values
		}
		if i == 0 {
			first = u
			continue
		}
		first.Hosts += "," + u.Hosts
		first.Path = u.Path
	}
	if !query.Has("cluster") && !query.Has("sentinel") {
		query.Set("cluster", "yes")
	}
	first.Path.RawQuery = query.Encode()
	return first.String(), ""
}

// AreHosts reports whether the hosts of a URL are names or addresses with optional ports.
func (u URL) AreHosts() bool {
	for host := range strings.SplitSeq(u.Hosts, ",") {
		if !hostForm.MatchString(host) {
			return false
		}
	}
	return true
}

// Shown returns the URL without user, password and parameters.
func (u URL) Shown() string { return u.Scheme + "://" + u.Hosts + u.Path.Path }
