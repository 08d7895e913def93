// Package peers runs programs of other hands beside stile: the tenants'
// back-ends of examples, OAuth libraries of other languages, authorization
// servers. It installs their packages as they are locked, each in a directory
// of its own, starts them on ports from the kernel, and leaves nothing running.
package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// NPM installs the packages that dir's lock file names.
func NPM(ctx context.Context, dir string) error {
	if err := need("apt-get install nodejs npm", "node", "npm"); err != nil {
		return err
	}
	return run(ctx, dir, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
}

// Venv makes a virtual environment in dir with the packages that its
// requirements.txt names, and returns the environment's Python.
func Venv(ctx context.Context, dir string) (python string, err error) {
	if err := need("apt-get install python3 python3-venv", "python3"); err != nil {
		return "", err
	}
	if err := run(ctx, dir, "python3", "-m", "venv", "venv"); err != nil {
		return "", fmt.Errorf("%w (apt-get install python3-venv)", err)
	}
	python = filepath.Join(dir, "venv", "bin", "python")
	return python, run(ctx, dir, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
}

// Maven packages the project in dir.
func Maven(ctx context.Context, dir string) error {
	if err := need("apt-get install maven", "mvn", "java"); err != nil {
		return err
	}
	return run(ctx, dir, "mvn", "-B", "-q", "package")
}

// need says how to get the first program that this machine lacks.
func need(how string, programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is missing: %s", p, how)
		}
	}
	return nil
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
