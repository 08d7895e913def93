package valkey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Finding is something about how an engine is configured.
type Finding struct {
	Server  string // its address, or the URL without user and password
	Problem string
	Why     string
	Fix     string // what to set
	Fatal   bool   // stile must not start with it; otherwise the operator should know it
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s; %s", f.Server, f.Problem, f.Why, f.Fix)
}

// Fatal returns an error that joins the fatal findings, nil if there are none.
func Fatal(findings []Finding) error {
	var errs []error
	for _, f := range findings {
		if f.Fatal {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// Examine opens an engine, checks it, and closes it. An error says that it can't be reached.
func Examine(ctx context.Context, o Options) ([]Finding, error) {
	e, err := Open(ctx, o)
	if errors.Is(err, errNoCluster) {
		t, _ := o.target()
		return []Finding{notACluster(t.String())}, nil
	}
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Check(ctx)
}

func notACluster(server string) Finding {
	return Finding{server, "the server is not part of a cluster", "the URL says cluster=yes",
		"remove cluster=yes from the URL, or set cluster-enabled yes", true}
}

// Check examines the servers: their versions, what they do with full memory and after a restart,
// and whether they can be written. The start of stile refuses fatal findings.
func (e *Engine) Check(ctx context.Context) ([]Finding, error) {
	if e.closed.Load() {
		return nil, errClosed
	}
	var findings []Finding
	isWrongKind := false // of URL: every command would be refused, and says nothing more
	nodes := e.client.Nodes()
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		s, err := e.inspect(ctx, address, nodes[address])
		switch {
		case err != nil && e.target.Cluster && !responded(err):
			findings = append(findings, Finding{address, "it does not respond", err.Error(),
				"start it, or remove it from the cluster with CLUSTER FORGET", false})
			continue
		case code(err) == "NOPERM":
			return append(findings, e.refused("INFO", err)), nil
		case err != nil:
			return nil, fmt.Errorf("examine %s: %w", address, e.failed(err, false))
		}
		findings = append(findings, e.judge(s)...)
		isWrongKind = isWrongKind || e.needsCluster(s)
	}
	if isWrongKind {
		return findings, nil
	}
	if e.target.Cluster {
		more, err := e.checkSlots(ctx)
		if err != nil {
			return nil, err
		}
		findings = append(findings, more...)
	}
	return append(findings, e.checkCommands(ctx)...), nil
}

// server is what a server says about itself.
type server struct {
	address string
	asked   time.Time
	info    map[string]string // from INFO
	config  map[string]string // from CONFIG GET; empty if that is not allowed
}

func (e *Engine) inspect(ctx context.Context, address string, c rueidis.Client) (server, error) {
	s := server{address: address, asked: time.Now(), info: map[string]string{}}
	bounded := e.deadlines.Within(ctx, e.timeout)
	text, err := c.Do(bounded, c.B().Info().Build()).ToString()
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			s.info[name] = value
		}
	}
	r := c.Do(bounded, c.B().Arbitrary("CONFIG", "GET", "maxmemory-policy").Args("appendonly", "appendfsync").Build())
	s.config, err = r.AsStrMap()
	if err != nil && !responded(err) {
		return s, err
	}
	return s, nil
}

// get returns a setting, from CONFIG GET or from INFO, "" if it can't be seen.
func (s server) get(setting, info string) string {
	if v, ok := s.config[setting]; ok {
		return v
	}
	return s.info[info]
}

// needsCluster reports whether a server is part of a cluster, and the URL does not say so.
func (e *Engine) needsCluster(s server) bool {
	return s.info["cluster_enabled"] == "1" && !e.target.Cluster
}

// judge returns what is wrong with a server's configuration.
func (e *Engine) judge(s server) (findings []Finding) {
	add := func(fatal bool, problem, why, fix string) {
		findings = append(findings, Finding{s.address, problem, why, fix, fatal})
	}
	if micros, err := strconv.ParseInt(s.info["server_time_usec"], 10, 64); err == nil {
		if ahead := time.UnixMicro(micros).Sub(s.asked); ahead > maxAhead {
			add(true, fmt.Sprintf("its clock is %d s ahead of this machine's", int(ahead.Seconds())),
				"it would forget used proofs while they are valid, so that they could be used again", "set both clocks by NTP")
		}
	}
	if version := s.info["redis_version"]; olderThan(version, minVersion) {
		add(true, fmt.Sprintf("it is too old (%s)", version), "stile needs commands of Redis 7.0", "install Valkey, or Redis 7.0 or newer")
	}
	if s.info["role"] == "slave" && !e.target.Cluster {
		add(true, "it is a replica", "a replica can't be written",
			fmt.Sprintf("give the address of its master (%s:%s) in the URL, or use ?sentinel=name", s.info["master_host"], s.info["master_port"]))
	}
	if e.needsCluster(s) {
		add(true, "it is part of a cluster", "the URL does not say so", "add ?cluster=yes to the URL")
	}
	switch policy := s.get("maxmemory-policy", "maxmemory_policy"); policy {
	case "noeviction":
	case "":
		add(false, "maxmemory-policy can't be seen", "CONFIG GET is not allowed, and INFO does not contain it",
			"ensure that it is noeviction: otherwise tokens are forgotten, and calls are counted too low")
	default:
		add(true, "maxmemory-policy is "+policy, "with full memory the server would forget tokens, which could then be used again",
			"set maxmemory-policy noeviction")
	}
	judgeFile(s, add)
	return findings
}

// judgeFile judges what a server loses when it is killed.
func judgeFile(s server, add func(fatal bool, problem, why, fix string)) {
	switch file := s.get("appendonly", "aof_enabled"); file {
	case "yes", "1":
	case "":
		add(false, "appendonly can't be seen", "CONFIG GET is not allowed, and INFO does not contain it",
			"ensure that the server has an append-only file")
		return
	default:
		add(true, "it has no append-only file", "a restart would lose all states of tokens", "set appendonly yes")
		return
	}
	if s.info["aof_last_write_status"] == "err" {
		add(true, "it can't write its append-only file", "a restart would lose the states of tokens", "see the server's log; is the disk full?")
	}
	switch fsync := s.config["appendfsync"]; fsync {
	case "always":
	case "everysec":
		add(false, "appendfsync is everysec", "a crash may lose the changes of the last 2 s, mostly of the last second; calls in them may be made again",
			"set appendfsync always if that matters more than the time of an fsync for each call")
	case "":
		add(false, "appendfsync can't be seen", "CONFIG GET is not allowed",
			"ask the operator of the server what a crash loses; always loses nothing, everysec about 1 s")
	default:
		add(false, "appendfsync is "+fsync, "a crash of the machine may lose the changes of about the last 30 s; calls in them may be made again", "set appendfsync everysec or always")
	}
}

// maxAhead is how far the clock of a server may be ahead. Proofs are stored for twice as long as
// they are valid, which is a minute.
const maxAhead = 30 * time.Second

// minVersion is the oldest version of Redis; Valkey reports 7.2.4 as its own.
const minVersion = "7.0"

// olderThan compares versions by their first two numbers. One that is not understood is not older.
func olderThan(version, minimum string) bool {
	v, m := firstTwo(version), firstTwo(minimum)
	return v[0] > 0 && slices.Compare(v[:], m[:]) < 0
}

func firstTwo(version string) (numbers [2]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < 2 {
			numbers[i], _ = strconv.Atoi(part)
		}
	}
	return numbers
}

func (e *Engine) checkSlots(ctx context.Context) ([]Finding, error) {
	_, missing, err := e.slotRanges(ctx)
	if err != nil || missing == 0 {
		return nil, err
	}
	return []Finding{{e.String(), fmt.Sprintf("%d of 16384 slots have no master", missing),
		"tokens in these slots can't be used", "see CLUSTER INFO, and repair it with valkey-cli --cluster fix", true}}, nil
}

// noScript names no script: a node that starts at the same time may have removed the key that a
// real one would read.
var noScript = strings.Repeat("0", 40)

// checkCommands executes the commands that stile needs, on each master, as tests.
func (e *Engine) checkCommands(ctx context.Context) (findings []Finding) {
	slots := []int{0}
	if e.target.Cluster {
		ranges, _, err := e.slotRanges(ctx)
		if err != nil {
			return []Finding{e.refused("CLUSTER|SLOTS", err)}
		}
		slots = oneOfEach(ranges)
	}
	for _, slot := range slots {
		key := e.names.probe(slot)
		b := e.client.B()
		for _, command := range []rueidis.Completed{
			b.Ping().Build(),
			b.Set().Key(key).Value("1").PxMilliseconds(probeMillis).Build(),
			b.Get().Key(key).Build(),
			b.Arbitrary("MGET").Keys(key, e.names.epoch(slot)).Build(),
			b.Eval().Script("return redis.call('GET', KEYS[1])").Numkeys(1).Key(key).Build(),
			b.Evalsha().Sha1(noScript).Numkeys(1).Key(key).Build(),
			b.Scan().Cursor(0).Count(1).Build(),
			b.Unlink().Key(key).Build(),
		} {
			name := command.Commands()[0]
			err := e.client.Do(e.deadlines.Within(ctx, e.timeout), command).Error()
			if err != nil && !rueidis.IsRedisNil(err) && code(err) != "NOSCRIPT" {
				findings = append(findings, e.refused(name, err))
			}
		}
		if note, found := e.checkIfEqual(ctx, key); found {
			findings = append(findings, note)
		}
	}
	return slices.Compact(findings)
}

func (e *Engine) refused(command string, err error) Finding {
	f := Finding{e.String(), command + " is refused", fault(err, true).Error(), "see the server's log", true}
	switch code(err) {
	case "NOPERM":
		f.Why = "the user may not run it: " + err.Error()
		f.Fix = fmt.Sprintf("allow it: ACL SETUSER %s +%s ~%s*; docs/cluster.md lists all commands that stile needs",
			cmp.Or(e.target.user, "default"), strings.ToLower(command), e.names.prefix)
	case "READONLY":
		f.Fix = "give the address of the master in the URL"
	}
	return f
}

// checkIfEqual reports a server without SET … IFEQ.
func (e *Engine) checkIfEqual(ctx context.Context, key string) (Finding, bool) {
	err := e.client.Do(e.deadlines.Within(ctx, e.timeout), e.client.B().Arbitrary("SET").Keys(key).
		Args("1", "IFEQ", "0", "GET", "PX", strconv.Itoa(probeMillis)).Build()).Error()
	return Finding{e.String(), "it has no SET … IFEQ", "a script does the same, and costs the server more",
		"nothing must be done; Valkey 8.1 and Redis 8.4 have it", false}, lacksCondition(err)
}
