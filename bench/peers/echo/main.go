// Command echo is the peer of `make bench` that runs on Echo: echo-jwt checks the token, and Echo's
// RateLimiter counts its calls.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/golang-jwt/jwt/v5"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// limit is never reached.
const limit = 1_000_000_000

func main() {
	if err := serve(os.Getenv("PEER_KEY"), os.Getenv("PEER_ISSUER"), os.Getenv("PEER_BODY"), os.Getenv("PEER_LISTEN")); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// serve serves the body for tokens that the key verifies. The key and the body are files.
func serve(key, issuer, body, listen string) error {
	pem, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	public, err := jwt.ParseECPublicKeyFromPEM(pem)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(body)
	if err != nil {
		return err
	}
	e := echo.New()
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired())
	e.Use(echojwt.WithConfig(echojwt.Config{
		TokenLookup: "query:access_token",
		ParseTokenFunc: func(_ echo.Context, token string) (any, error) {
			return parser.Parse(token, func(*jwt.Token) (any, error) { return public, nil })
		},
	}))
	e.Use(middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		Store: middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{Rate: limit, Burst: limit}),
		IdentifierExtractor: func(c echo.Context) (string, error) {
			id, _ := c.Get("user").(*jwt.Token).Claims.(jwt.MapClaims)["jti"].(string)
			return id, nil
		},
	}))
	e.GET("/v1/items/:id", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", text)
	})
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	return http.Serve(l, e)
}
