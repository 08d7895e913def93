package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tenants/callback"
	"stile.example/stile/tokens"
)

// number is a whole number from lo to hi.
func number[N uint8 | uint16 | uint32](lo, hi N) kind[N] {
	allowed := fmt.Sprintf("a whole number from %d to %d", lo, hi)
	return kind[N]{"number", allowed, func(text string) (N, error) {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n < uint64(lo) || n > uint64(hi) {
			return 0, mustBe(text, allowed)
		}
		return N(n), nil
	}}
}

// ratio is a number from 0 to 1.
func ratio() kind[float64] {
	const allowed = "a number from 0 to 1"
	return kind[float64]{"number", allowed, func(text string) (float64, error) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return 0, mustBe(text, allowed)
		}
		return f, nil
	}}
}

// duration is a time from lo to hi in whole seconds, the unit of the rules.
func duration(lo, hi time.Duration) kind[time.Duration] {
	allowed := fmt.Sprintf("a duration from %s to %s, such as 90s, 10m, 24h or 7d", Short(lo), Short(hi))
	return kind[time.Duration]{"duration", allowed, func(text string) (time.Duration, error) {
		d, err := ParseDuration(text)
		if err != nil || d < lo || d > hi {
			return 0, mustBe(text, allowed)
		}
		if d%time.Second != 0 {
			return 0, mustBe(text, "a whole number of seconds")
		}
		return d, nil
	}}
}

// choice is one of several words.
func choice(words ...string) kind[string] {
	return kind[string]{"word", strings.Join(words, ", "), func(text string) (string, error) {
		if !slices.Contains(words, text) {
			return "", mustBe(text, anyOf(words))
		}
		return text, nil
	}}
}

// either is a choice of two words, of which the second is true.
func either(no, yes string) kind[bool] {
	c := choice(no, yes)
	return kind[bool]{c.name, c.allowed, func(text string) (bool, error) {
		_, err := c.parse(text)
		return text == yes, err
	}}
}

// tokenKind is the kind of a challenge.
func tokenKind() kind[tokens.Kind] {
	c := either(tokens.Work.String(), tokens.Picture.String())
	return kind[tokens.Kind]{c.name, c.allowed, func(text string) (tokens.Kind, error) {
		picture, err := c.parse(text)
		if picture {
			return tokens.Picture, err
		}
		return tokens.Work, err
	}}
}

// mode is what a first call binds a token to.
func mode() kind[tokens.Mode] {
	// They are in the order of their numbers.
	words := []string{tokens.Auto.String(), tokens.ByAddress.String(), tokens.ByKey.String()}
	c := choice(words...)
	return kind[tokens.Mode]{c.name, c.allowed, func(text string) (tokens.Mode, error) {
		_, err := c.parse(text)
		return tokens.Mode(max(slices.Index(words, text), 0)), err
	}}
}

// then is the action for a crowded address.
func then() kind[addresses.Then] {
	c := either("challenge", "block")
	return kind[addresses.Then]{c.name, c.allowed, func(text string) (addresses.Then, error) {
		block, err := c.parse(text)
		if block {
			return addresses.ThenBlock, err
		}
		return addresses.ThenChallenge, err
	}}
}

// path is the path of a file or directory, or "".
func path() kind[string] {
	return kind[string]{"path", "a path", func(text string) (string, error) {
		if strings.ContainsRune(text, 0) {
			return "", errors.New("must not contain a NUL byte")
		}
		return text, nil
	}}
}

// address is the address of a listener.
func address() kind[string] {
	const allowed = "HOST:PORT or :PORT, such as :8080 or 127.0.0.1:8081"
	return kind[string]{"address", allowed, func(text string) (string, error) {
		host, port, err := net.SplitHostPort(text)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || strconv.FormatUint(n, 10) != port || strings.ContainsAny(host, "/ ") {
			return "", mustBe(text, allowed)
		}
		return text, nil
	}}
}

// origin is the URL of the public listener. It has no path, because the API's URLs begin at the
// root.
func origin() kind[string] {
	const allowed = "http(s)://HOST or http(s)://HOST:PORT, without a path"
	return kind[string]{"URL", allowed, func(text string) (string, error) {
		u, err := url.Parse(strings.TrimSuffix(text, "/"))
		if text == "" {
			return "", nil
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Scheme+"://"+u.Host != u.String() {
			return "", mustBe(text, allowed)
		}
		return strings.ToLower(u.String()), nil
	}}
}

var (
	hostname  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	adminHost = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	clientID  = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`) // of a tenant: tenants.Tenant.Check
)

// matching is a text that matches a regular expression.
func matching(form *regexp.Regexp, limit int, allowed string) kind[string] {
	return kind[string]{"text", allowed, func(text string) (string, error) {
		if len(text) > limit || !form.MatchString(text) {
			return "", mustBe(text, allowed)
		}
		return text, nil
	}}
}

// callbackPattern is a prefix or a pattern of JSONP callbacks with dots.
func callbackPattern() kind[string] {
	return kind[string]{"text", callback.Allowed, func(text string) (string, error) {
		if err := callback.Check(text); err != nil {
			return "", fmt.Errorf("%s %w", quote(text), err)
		}
		return text, nil
	}}
}

func level() kind[slog.Level] {
	c := choice("debug", "info", "warn", "error")
	return kind[slog.Level]{c.name, c.allowed, func(text string) (l slog.Level, err error) {
		if _, err = c.parse(text); err == nil {
			err = l.UnmarshalText([]byte(text))
		}
		return l, err
	}}
}

// quote returns an arbitrary value in quotes, cut to 80 bytes and with control characters escaped.
func quote(text string) string {
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	return strconv.Quote(text)
}
