// Command sample is what tests of the console in a browser need besides the server. It is not a
// part of stile: nobody must be let in like this to real data.
//
//	sample [sample|hostile|empty]   serve the console with such data, without signing in
//	sample routes                   print the paths of all pages and forms
//	sample close DATA MONTH         close a month as the server will do when it is due
//
// The first prints its URL.
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
	if len(os.Args) == 4 && os.Args[1] == "close" {
		return closeMonth(ctx, os.Args[2], os.Args[3])
	}
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
	if len(os.Args) > 1 && os.Args[1] == "routes" {
		return printRoutes(os.Stdout, site)
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
