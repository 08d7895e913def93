package statement

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/statements"
	"stile.example/stile/statements/files"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/usage"
)

// verifyFlags are the flags of usage verify.
type verifyFlags struct{ key, previous, statement string }

func (p Commands) verify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{Use: "verify FILE", Short: "recompute a statement and check its signature, offline",
		Long: `Check a file of ` + "`stile statement export`" + `, or a proof of ` + "`stile statement prove`" + `.
It needs no server and no data directory. It compares every byte of the file with
what follows from the signed note and the ledger lines. It computes the root of the
lines, the totals and the amounts again, and checks the signature. It says which
line of the file is wrong, and then exits with 1.

With --key, a valid file is what the publisher signed. Take the key from the
publisher: ` + "`https://PUBLISHER/.well-known/stile-statement-keys`" + `. Without --key, the key
in the file is used. Then a valid file is consistent in itself, but anyone may have
made it. With --previous, the statement follows that one, so none between them was
removed or replaced.`,
		Example: `  stile usage verify acme-2026-11.json --key keys.txt
  stile usage verify 2026-11.json --key keys.txt --previous 2026-10.json
  stile usage verify line-1.txt --statement acme-2026-11.html --key keys.txt`,
		Args: syntax.Takes(1, 1, "one FILE")}
	c.Flags().StringVar(&f.key, "key", "", "the publisher's public `key`, or a file with it")
	c.Flags().StringVar(&f.previous, "previous", "", "`file` of the tenant's statement before, or its hash")
	c.Flags().StringVar(&f.statement, "statement", "", "`file` of the statement that a proof belongs to")
	c.RunE = func(c *cobra.Command, args []string) error {
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		keys, err := readKeys(f.key)
		if err != nil {
			return err
		}
		head := make([]byte, 16)
		n, _ := io.ReadFull(file, head) // a shorter file is not a proof
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("%s: must be a file: it is read twice: %w", args[0], err)
		}
		if files.IsProof(head[:n]) {
			return p.verifyProof(args[0], file, f, keys)
		}
		return p.verifyStatement(args[0], file, f, keys)
	}
	return p.Prints(c)
}

// readKeys returns the keys that a flag gives, nil if it is not given.
func readKeys(flag string) ([]string, error) {
	if flag == "" {
		return nil, nil
	}
	text, err := os.ReadFile(flag)
	if errors.Is(err, os.ErrNotExist) && strings.Count(flag, "+") >= 2 {
		text, err = []byte(flag), nil
	}
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	keys, err := statements.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	return keys, nil
}

// previousHash returns the hash of a statement that is given by its file or its hash.
func previousHash(flag string, keys []string) (string, error) {
	if len(flag) == 64 && strings.Trim(flag, "0123456789abcdef") == "" {
		return flag, nil
	}
	file, err := os.Open(flag)
	if err != nil {
		return "", fmt.Errorf("--previous: %w", err)
	}
	defer file.Close()
	c, _, err := files.ReadNote(file, keys)
	if err != nil {
		return "", fmt.Errorf("--previous %s: %w", flag, err)
	}
	return c.Hash, nil
}

// verdict is what --json prints.
type verdict struct {
	Valid    bool            `json:"valid"`
	Tenant   string          `json:"tenant"`
	Month    string          `json:"month"`
	Amount   usage.Amount    `json:"amount"`
	Currency string          `json:"currency"`
	Calls    int64           `json:"calls"`
	Records  int64           `json:"records"`
	Lines    int64           `json:"lines"` // that were compared
	Hash     string          `json:"hash"`
	Key      string          `json:"key"`
	KeyGiven bool            `json:"key_given"` // else it is the one in the file
	Problems []files.Problem `json:"problems"`
}

func (p Commands) verifyStatement(name string, file io.ReadSeeker, f verifyFlags, keys []string) error {
	if f.statement != "" {
		return syntax.Errorf("--statement is for a proof, and %s is not one", name)
	}
	o := files.Options{Keys: keys}
	var err error
	if f.previous != "" {
		if o.Previous, err = previousHash(f.previous, keys); err != nil {
			return err
		}
	}
	r, err := files.Verify(file, o)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if p.JSON() {
		s := r.Statement
		v := verdict{len(r.Problems) == 0, s.Tenant, s.Month, s.Amount, s.Currency, s.Calls, s.Records, r.Lines, r.Hash, r.Key, keys != nil, append([]files.Problem{}, r.Problems...)}
		if err := printing.JSON(p.Out(), v); err != nil {
			return err
		}
	}
	if len(r.Problems) > 0 {
		return wrong(name, r.Problems)
	}
	if p.JSON() {
		return nil
	}
	return p.showValid(r, keys != nil, f.previous != "")
}

// wrong returns the problems as an error, each as FILE:LINE: PROBLEM.
func wrong(name string, problems []files.Problem) error {
	lines := make([]string, len(problems), len(problems)+1)
	for i, problem := range problems {
		lines[i] = name + ": " + problem.Text
		if problem.Line > 0 {
			lines[i] = fmt.Sprintf("%s:%d: %s", name, problem.Line, problem.Text)
		}
	}
	return errors.New(strings.Join(append(lines, name+" is not valid: it is not what was signed; ask the publisher for the statement again"), "\n"))
}

func (p Commands) showValid(r files.Report, keyGiven, hasPrevious bool) error {
	s := r.Statement
	lines := readable.Count(int(r.Lines), "ledger line") + " add up to it"
	if r.Format == files.HTML {
		lines = "not in this format; verify the json, csv or ndjson file for them"
	}
	signature := "valid, by the given key"
	if !keyGiven {
		signature = "valid, but by the key in the file: give the publisher's own with --key, or anyone may have made the file"
	}
	chain := "follows the given statement"
	switch {
	case hasPrevious:
	case s.Previous == "":
		chain = "the tenant's first statement"
	default:
		chain = "not checked: give the statement before with --previous"
	}
	return printing.Card(p.Out(), "statement", fmt.Sprintf("%s, %s, number %d", s.Tenant, s.Month, s.Number), "amount", money(s),
		"usage", fmt.Sprintf("%s, %s", readable.Count(int(s.Calls), "call"), readable.Count(int(s.Records), "record")),
		"lines", lines, "signature", signature, "chain", chain, "hash", r.Hash, "verdict", "valid")
}

func (p Commands) verifyProof(name string, file io.Reader, f verifyFlags, keys []string) error {
	if f.statement == "" {
		return syntax.Errorf("%s is a proof: give the file of its statement with --statement", name)
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<16))
	if err != nil {
		return err
	}
	of, err := os.Open(f.statement)
	if err != nil {
		return fmt.Errorf("--statement: %w", err)
	}
	defer of.Close()
	proof, c, err := files.VerifyProof(string(text), of, keys)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if p.JSON() {
		return printing.JSON(p.Out(), map[string]any{"valid": true, "tenant": c.Tenant, "month": c.Month, "line": proof.Index + 1, "text": string(proof.Line.AppendText(nil)), "key": c.Key, "key_given": keys != nil})
	}
	signature := "valid, by the given key"
	if keys == nil {
		signature = "valid, but by the key in the file: give the publisher's own with --key"
	}
	l := proof.Line
	return printing.Card(p.Out(), "line", fmt.Sprintf("%d of %d: token %s, %s, %s, %s, %s", proof.Index+1, proof.Lines, l.Token, l.DayText(), l.Route, readable.Count(int(l.Calls), "call"), readable.Count(int(l.Records), "record")),
		"statement", c.Tenant+", "+c.Month, "signature", signature, "verdict", "the line is in the statement")
}
