package frame

import (
	"net/http"
	"time"
)

// hostPrefix makes a browser accept a cookie only if this host has set it by HTTPS.
const hostPrefix = "__Host-"

// IsHTTPS reports whether a browser sent a request by HTTPS: see [Options.IsHTTPS].
func (f *Frame) IsHTTPS(r *http.Request) bool { return f.isHTTPS(r) }

// cookieName returns the name that a cookie has in a request's connection.
func (f *Frame) cookieName(r *http.Request, name string) string {
	if f.isHTTPS(r) {
		return hostPrefix + name
	}
	return name
}

// Cookie returns the value of a cookie, "" if there is none.
func (f *Frame) Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(f.cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie sets a cookie for the time that it lasts; 0: until the browser is closed.
func (f *Frame) SetCookie(w http.ResponseWriter, r *http.Request, name, value string, site http.SameSite, lasts time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: f.cookieName(r, name), Value: value, Path: "/", HttpOnly: true, Secure: f.isHTTPS(r), SameSite: site, MaxAge: int(lasts.Seconds())})
}

// RemoveCookie removes a cookie.
func (f *Frame) RemoveCookie(w http.ResponseWriter, r *http.Request, name string) {
	f.SetCookie(w, r, name, "", http.SameSiteStrictMode, -time.Second)
}
