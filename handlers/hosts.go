package handlers

import (
	"net"
	"net/http"
	"net/netip"

	"stile.example/stile/handlers/codes"
)

// AdminHosts are the names under which the admin listener may be reached: the
// configured ones, and the host of its own address, where it has one.
func AdminHosts(listen string, configured []string) []string {
	names := append([]string{}, configured...)
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		names = append(names, host)
	}
	return names
}

// knownHosts refuses requests to a host that the admin listener does not have.
// A web page can point a name of its own at any address (DNS rebinding), and
// would then be allowed to read what that address answers. It can't do so
// without its name in the Host header. An IP address is not a name that can be
// pointed elsewhere; a request without a Host is not a browser's.
func (a *API) knownHosts(names []string, next http.Handler) http.Handler {
	known := map[string]bool{"": true}
	for _, name := range names {
		known[hostOf(name)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		name := hostOf(h.Host)
		if !known[name] && !isLocalhost(name) && !isAddress(name) {
			a.refuseUnread(w, h, &codes.Refusal{Code: codes.BadRequest, Status: http.StatusMisdirectedRequest,
				Detail: "The admin listener does not have the name in the header Host. Use its IP address or localhost, or add the name to the setting admin_hosts."})
			return
		}
		next.ServeHTTP(w, h)
	})
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
