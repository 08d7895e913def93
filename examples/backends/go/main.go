// Go is a tenant's token endpoint in Go. Each of the tenant's pages sends POST /stile/token, and
// gets a token of its own from the publisher's stile.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var publisher = clientcredentials.Config{
	ClientID:     setting("STILE_CLIENT_ID"),
	ClientSecret: setting("STILE_CLIENT_SECRET"),
	TokenURL:     setting("STILE_API") + "/oauth/token",
	AuthStyle:    oauth2.AuthStyleInHeader,
}

func main() {
	http.HandleFunc("POST /stile/token", token)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+setting("PORT"), nil))
}

func token(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		respond(w, http.StatusForbidden, "error", "Only pages of this site can get a token.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	// Config.Token requests a new token each time. Config.TokenSource and Config.Client cache a token
	// until it expires, so all visitors would get the same one. It would be bound to the first
	// visitor, and die when the second uses it.
	fresh, err := publisher.Token(ctx)
	if err != nil {
		log.Print("can't get a token from the publisher: ", err)
		respond(w, http.StatusBadGateway, "error", "The publisher does not provide tokens at the moment.")
		return
	}
	respond(w, http.StatusOK, "access_token", fresh.AccessToken)
}

// sameOrigin reports whether a page of this site sent the request. Browsers always say so, and a
// page can't forge it, but a program can. Check your visitor's session here too, and limit the
// tokens of each visitor.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin := r.Header.Get("Origin") // for older browsers, and for plain HTTP
	return origin == "https://"+r.Host || origin == "http://"+r.Host
}

func respond(w http.ResponseWriter, status int, name, value string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{name: value})
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("%s is not set", name)
	}
	return value
}
