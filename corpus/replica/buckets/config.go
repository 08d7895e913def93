// Package buckets stores the chunks of the corpus in a bucket of a service with the API of Amazon
// S3. Chunks are immutable objects, named by their hashes.
package buckets

import (
	"fmt"
	"net/url"
	"strings"
)

// Config says which bucket stores the chunks.
type Config struct {
	Bucket string
	Prefix string // of the names of all objects; empty, or ends with a slash
	// Endpoint is the host of the service, with the port if it is not the usual one.
	Endpoint string
	Insecure bool // HTTP instead of HTTPS
	Region   string
	// Credentials is a file in the format of ~/.aws/credentials. If it is empty, the environment
	// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), then that file, then the role of the machine is
	// used.
	Credentials string
	// CA is a file with the certificates of the service's authorities. If it is empty, those of the
	// machine are trusted.
	CA string
}

const amazon = "s3.amazonaws.com"

// Parse reads a setting such as
//
//	s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1
//
// The credentials are never in it.
func Parse(text string) (c Config, err error) {
	u, err := url.Parse(text)
	if err != nil { // the error would repeat the text, which may contain a password
		return c, fmt.Errorf("must be a URL such as s3://bucket/prefix")
	}
	switch {
	case u.Scheme != "s3" || u.Host == "" || u.Fragment != "":
		return c, fmt.Errorf("must be a URL such as s3://bucket/prefix")
	case u.User != nil:
		return c, fmt.Errorf("must not contain credentials: they are taken from the environment, from a file (?credentials=FILE) or from the role of the machine")
	}
	c = Config{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Endpoint: amazon}
	if c.Prefix != "" {
		c.Prefix += "/"
	}
	parameters, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return c, fmt.Errorf("has invalid parameters: write it as s3://bucket/prefix?endpoint=https://HOST")
	}
	for name, values := range parameters {
		if err := c.set(name, values[len(values)-1]); err != nil {
			return c, err
		}
	}
	if c.CA != "" && c.Insecure {
		return c, fmt.Errorf("has the parameter ca, which needs an endpoint with https://")
	}
	return c, nil
}

func (c *Config) set(name, value string) error {
	switch name {
	case "endpoint":
		return c.setEndpoint(value)
	case "region":
		c.Region = value
	case "credentials":
		c.Credentials = value
	case "ca":
		c.CA = value
	default:
		return fmt.Errorf("has the unknown parameter %.40q: must be endpoint, region, credentials or ca", name)
	}
	return nil
}

func (c *Config) setEndpoint(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return fmt.Errorf("has an invalid endpoint: must be an origin such as https://s3.example.com")
	}
	c.Endpoint, c.Insecure = u.Host, u.Scheme == "http"
	return nil
}

// String returns what the bucket is called in messages.
func (c Config) String() string { return "s3://" + c.Bucket + "/" + c.Prefix + " at " + c.Endpoint }
