package accounts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/audit"
	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// Audit returns the command audit.
func (p Commands) Audit() *cobra.Command {
	return syntax.Noun("audit", "the audit log: who changed what, and when",
		`Every change is recorded: who made it, with which credential, from where, and
what it was before and after. Secrets are never recorded.

Each entry has a hash of itself and of the hash of the entry before it, so a
change of the log itself is found.`,
		`  stile audit list --operation tenant
  stile audit verify`,
		p.auditList(), p.auditVerify())
}

func (p Commands) auditList() *cobra.Command {
	var q operations.AuditQuery
	var from, to string
	c := &cobra.Command{Use: "list",
		Long: `List the entries of the audit log, the newest first. If there are more than
--limit, a line on standard error says how to continue.

WHO is the admin, or the user of the operating system who typed a command. BY is
the credential, and FROM the source address; a command has none. --json also
prints the state before and after each change.`,
		Example: `  stile audit list --operation tenant --subject acme
  stile audit list --from 2026-11-01 --to 2026-11-30 --json`,
		Args: syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&q.Actor, "actor", "", "only changes by the admin or user of this `name`")
	c.Flags().StringVar(&q.Operation, "operation", "", "only this `operation`, such as \"tenant set\", or all of one noun, such as tenant")
	c.Flags().StringVar(&q.Subject, "subject", "", "only changes of this `subject`, such as a client_id")
	c.Flags().StringVar(&from, "from", "", "first `day`, UTC: YYYY-MM-DD, or YYYY-MM for the first day of a month (default: no limit)")
	c.Flags().StringVar(&to, "to", "", "last `day`, UTC, included: YYYY-MM-DD, or YYYY-MM for the last day of a month (default: no limit)")
	c.Flags().Int64Var(&q.After, "after", 0, "only entries after this `number` in the list, which are older")
	c.Flags().IntVar(&q.Limit, "limit", 100, "maximum `number` of entries, 1 to 1000")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := readDays(&q, from, to); err != nil {
			return err
		}
		if err := syntax.CheckLimit(q.Limit, operations.MaxPage); err != nil {
			return err
		}
		if q.After < 0 {
			return syntax.Errorf("--after %d: must be the number of an entry", q.After)
		}
		var page operations.AuditPage
		if err := p.Run(c, q, &page); err != nil {
			return err
		}
		return host.ShowPage(p, page.Entries, "SEQ AT WHO BY FROM OPERATION SUBJECT CHANGED", auditRows(page.Entries), "older entries", page.Next)
	}
	return p.Prints(c)
}

// readDays sets the times of a query from days.
func readDays(q *operations.AuditQuery, from, to string) (err error) {
	if q.From, q.To, err = syntax.ParseDays(from, to); err == nil && to != "" {
		q.To = q.To.AddDate(0, 0, 1) // the query does not include its end
	}
	return err
}

func auditRows(entries []operations.AuditEntry) (rows [][]string) {
	for _, e := range entries {
		rows = append(rows, []string{strconv.FormatInt(e.Seq, 10), e.At.Format(time.RFC3339), e.Actor, e.Credential,
			printing.OrDash(e.Address), e.Operation, printing.OrDash(e.Subject), printing.OrDash(changed(e))})
	}
	return rows
}

// changed lists the names of what an entry changed, or says what was added or removed.
func changed(e operations.AuditEntry) string {
	switch {
	case e.Before == nil && e.After == nil:
		return ""
	case e.Before == nil:
		return printing.Short(string(e.After), maxShown)
	case e.After == nil:
		return "removed " + printing.Short(string(e.Before), maxShown)
	}
	return printing.Short(difference(e.Before, e.After), maxShown)
}

// maxShown is how many characters of a change are shown in a table.
const maxShown = 120

// difference returns the changed fields of two objects, as name: before → after. The whole states
// follow each other if they are not objects.
func difference(before, after json.RawMessage) (text string) {
	for i, c := range audit.Difference(before, after) {
		if i > 0 {
			text += ", "
		}
		if c.Name != "" {
			text += c.Name + ": "
		}
		text += printing.OrDash(c.Before) + " → " + printing.OrDash(c.After)
	}
	return text
}

func (p Commands) auditVerify() *cobra.Command {
	var known operations.AuditHead
	c := &cobra.Command{Use: "verify",
		Long: `Check the hash of every entry of the audit log, and the seal of its end. If an
entry was changed, removed or inserted outside stile, the command prints its
number and exits with 1.

The command prints the hash of the newest entry. Keep a copy of it elsewhere, and
give it to a later check as --head: it also shows if the whole log was replaced by
somebody who has the server's keys, or by an older copy of the database, or was
emptied.`,
		Example: "  stile audit verify\n  stile audit verify --head $(cat audit-head.txt)",
		Args:    syntax.Takes(0, 0, "no arguments, only flags")}
	c.Flags().StringVar(&known.Head, "head", "", "`hash` that an earlier check printed, and that the log must contain")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var v operations.AuditCheck
		if err := p.Run(c, known, &v); err != nil {
			return err
		}
		return p.showCheck(v)
	}
	return p.Prints(c)
}

// showCheck prints the result of a check. It returns an error if the log was changed.
func (p Commands) showCheck(v operations.AuditCheck) (err error) {
	if p.JSON() {
		err = printing.JSON(p.Out(), v)
	} else {
		err = printing.Card(p.Out(), "entries", printing.Number(int(v.Entries)), "head", printing.OrDash(v.Head))
	}
	if err == nil && v.Wrong != 0 {
		err = fmt.Errorf("the audit log was changed outside stile at entry %d: compare it with a backup from before", v.Wrong)
	}
	return err
}
