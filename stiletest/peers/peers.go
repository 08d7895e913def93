// Package peers runs third-party programs that interoperate with stile: the tenants' back-ends in
// examples, OAuth libraries of other languages, and authorization servers. It installs the packages
// that their lock files name, each in a directory of its own, starts the programs on ports that the
// kernel chooses, and stops them all.
package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// NPM installs the packages that the lock file in dir names.
func NPM(ctx context.Context, dir string) error {
	if err := need("apt-get install nodejs npm", "node", "npm"); err != nil {
		return err
	}
	return run(ctx, dir, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
}

// Venv creates a virtual environment in dir with the packages that requirements.txt names. It
// returns the path of the environment's Python. Python compiles the modules that are imported, so
// pip need not compile all of them.
func Venv(ctx context.Context, dir string) (python string, err error) {
	if err := need("apt-get install python3 python3-venv", "python3"); err != nil {
		return "", err
	}
	if err := run(ctx, dir, "python3", "-m", "venv", "venv"); err != nil {
		return "", fmt.Errorf("%w (apt-get install python3-venv)", err)
	}
	python = filepath.Join(dir, "venv", "bin", "python")
	return python, run(ctx, dir, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "-r", "requirements.txt")
}

// Maven builds the package of the project in dir.
func Maven(ctx context.Context, dir string) error {
	if err := need("apt-get install maven", "mvn", "java"); err != nil {
		return err
	}
	return run(ctx, dir, "mvn", "-B", "-q", "package")
}

// need returns an error if one of the programs is not installed. The error contains the command
// that installs it.
func need(install string, programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is missing: %s", p, install)
		}
	}
	return nil
}

// run runs a program in dir. Its error contains what the program printed.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
