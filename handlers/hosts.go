package handlers

import (
	"net"
	"net/http"
	"net/netip"

	"stile.example/stile/handlers/codes"
)

// AdminHosts returns the names of the admin listener: the configured ones, and the host of its
// address if it has one.
func AdminHosts(listen string, configured []string) []string {
	names := append([]string{}, configured...)
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		names = append(names, host)
	}
	return names
}

// knownHosts refuses requests to a host that the admin listener does not have. The owner of a web
// page can point a name at any address (DNS rebinding), so that the page may read the responses
// from that address. The name is then in the Host header. An IP address can't be pointed elsewhere,
// and a browser always sends a Host.
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
