// Command serve serves the console with sample data and without signing in, for tests in a browser.
// It prints its URL. It is not a part of stile: nobody must be let in like this to real data.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"stile.example/stile/console"
	"stile.example/stile/console/consoletest"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "stile-console-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	site, err := consoletest.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Dir.Close()) }()
	if len(os.Args) > 1 && os.Args[1] == "hostile" {
		consoletest.Fill(site.Frame, time.Now(), consoletest.Hostile...)
	} else if len(os.Args) < 2 || os.Args[1] != "empty" {
		consoletest.Fill(site.Frame, time.Now(), "acme", "northwind", "kitchen-weekly", "museum", "gazette")
	}
	h, err := console.New(console.Options{Frame: site.Frame, SignIn: site, Log: site.Dir.Log, Now: time.Now})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // a test needs no draining
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
