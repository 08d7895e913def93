package operators

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"stile.example/stile/stiletest"
)

// combinedCertificate writes a certificate with its key into one file, as HAProxy wants it.
func combinedCertificate(t *testing.T, dir string) string {
	t.Helper()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(t, stiletest.WriteCertificate(cert, key, 1, host))
	return write(t, filepath.Join(dir, "both.pem"), read(t, cert)+read(t, key), 0o600)
}

// composition is what the tests read of compose.yaml.
type composition struct {
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Dockerfile string }
		Ports       []string
		Networks    any
		Volumes     []string
		Secrets     []string
		Configs     []struct{ Source, Target string }
		DependsOn   map[string]any `yaml:"depends_on"`
		Command     any
		Environment map[string]string
		CapDrop     []string `yaml:"cap_drop"`
		ReadOnly    bool     `yaml:"read_only"`
	}
	Networks, Volumes map[string]any
	Configs, Secrets  map[string]struct{ File string }
}

// TestCompose checks what compose.yaml refers to: each network, volume, secret, file and service
// exists. Only the proxy has a port, every image has a version, and the nodes get what the settings
// need. No container is started.
func TestCompose(t *testing.T) {
	dir := deploy + "cluster/"
	var c composition
	if err := yaml.UnmarshalWithOptions([]byte(read(t, dir+"compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 9 {
		t.Fatalf("services: %v", slices.Sorted(maps.Keys(c.Services)))
	}
	for name, s := range c.Services {
		if len(s.Ports) > 0 && (name != "proxy" || strings.Contains(strings.Join(s.Ports, " "), "8081")) {
			t.Errorf("%s has the ports %v", name, s.Ports)
		}
		if s.Build.Dockerfile == "" && !regexp.MustCompile(`^[a-z.]+/[a-z/]+:\d+\.\d+`).MatchString(s.Image) {
			t.Errorf("%s has the image %q", name, s.Image)
		}
		if s.Build.Dockerfile != "" {
			read(t, filepath.Join(dir, s.Build.Context, s.Build.Dockerfile))
			if !s.ReadOnly || len(s.CapDrop) != 1 || len(s.Volumes) != 1 || len(s.Secrets) != 2 {
				t.Errorf("%s: %+v", name, s)
			}
			if len(s.Configs) != 1 || s.Environment["STILE_CONFIG"] != s.Configs[0].Target {
				t.Errorf("%s does not read its settings: %v, %v", name, s.Environment, s.Configs)
			}
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			exists(t, name, c.Volumes, volume)
		}
		for _, secret := range s.Secrets {
			exists(t, name, c.Secrets, secret)
		}
		for _, config := range s.Configs {
			exists(t, name, c.Configs, config.Source)
		}
		for service := range s.DependsOn {
			exists(t, name, c.Services, service)
		}
		switch networks := s.Networks.(type) {
		case []any:
			for _, n := range networks {
				exists(t, name, c.Networks, n.(string))
			}
		case map[string]any:
			for n := range networks {
				exists(t, name, c.Networks, n)
			}
		default:
			t.Errorf("%s is in no network", name)
		}
	}
	for _, config := range c.Configs {
		read(t, filepath.Join(dir, config.File))
	}
	proxy := c.Services["proxy"].Environment
	for i, node := range []string{"node1", "node2", "node3"} {
		if proxy["STILE_NODE"+string(rune('1'+i))] != node+":8080" {
			t.Errorf("the proxy does not know %s: %v", node, proxy)
		}
	}
	if !strings.Contains(read(t, dir+"stile.yaml"), "trusted_proxies: [172.30.14.2]") || !strings.Contains(read(t, dir+"compose.yaml"), "ipv4_address: 172.30.14.2}") {
		t.Error("the nodes do not trust the address of the proxy")
	}
}

func exists[V any](t *testing.T, where string, all map[string]V, name string) {
	t.Helper()
	if _, ok := all[name]; !ok {
		t.Errorf("%s refers to %s, which does not exist", where, name)
	}
}

// TestClusterSecrets checks that the script makes what compose.yaml needs, closed to other users,
// and replaces nothing.
func TestClusterSecrets(t *testing.T) {
	dir := t.TempDir()
	script := write(t, filepath.Join(dir, "secrets.sh"), read(t, deploy+"cluster/secrets.sh"), 0o755)
	run(t, script)
	key, password := read(t, dir+"/secrets/store_key"), read(t, dir+"/secrets/postgres_password")
	if len(strings.TrimSpace(key)) != 64 || len(password) < 32 || key == password {
		t.Errorf("%q %q", key, password)
	}
	info, err := os.Stat(dir + "/secrets")
	check(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has the mode %v", info.Mode())
	}
	if out, err := exec.Command(script).CombinedOutput(); err != nil || read(t, dir+"/secrets/store_key") != key {
		t.Errorf("the second run: %v\n%s", err, out)
	}
}
