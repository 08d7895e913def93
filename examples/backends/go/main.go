// Go is a tenant's token endpoint in Go: the tenant's pages POST to
// /stile/token, and get a token of their own from the publisher's stile.
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
		answer(w, http.StatusForbidden, "error", "Only this site's own pages get a token here.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	// Config.Token asks each time. Config.TokenSource and Config.Client keep a
	// token until it expires, which would give all visitors the same one: it
	// is bound to the first of them, and dies with the second.
	fresh, err := publisher.Token(ctx)
	if err != nil {
		log.Print("no token from the publisher: ", err)
		answer(w, http.StatusBadGateway, "error", "The publisher gives no token at the moment.")
		return
	}
	answer(w, http.StatusOK, "access_token", fresh.AccessToken)
}

// sameOrigin says that a page of this very site asks. Every browser says so,
// and no page can lie. Programs can: check your visitor's session here too, and
// limit how many tokens one gets.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin := r.Header.Get("Origin") // what is left for older browsers, and for plain http
	return origin == "https://"+r.Host || origin == "http://"+r.Host
}

func answer(w http.ResponseWriter, status int, name, value string) {
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
