package webhooks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/host"
	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/events"
	"stile.example/stile/operations"
	"stile.example/stile/operations/webhooks"
	domain "stile.example/stile/webhooks"
)

func (p Commands) test() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "test ID",
		Long: `Send a webhook.test event now, and print the response. The exit code is 0 if the
receiver responded with 2xx. A test is sent once, also to a disabled webhook.`,
		Example: "  stile webhook test whk_4kz2m7q1v8xa",
		Args:    syntax.Takes(1, 1, oneID),
		RunE: func(c *cobra.Command, args []string) error {
			var d webhooks.Delivery
			if err := p.Run(c, webhooks.Name{ID: args[0]}, &d); err != nil {
				return err
			}
			return p.showTest(d)
		}})
}

func (p Commands) showTest(d webhooks.Delivery) error {
	try := d.Tries[0]
	var err error
	if p.JSON() {
		err = printing.JSON(p.Out(), d)
	} else {
		err = printing.Card(p.Text(), "event", d.Event, "status", statusOf(try), "duration", fmt.Sprintf("%d ms", try.Millis), "response", printing.OrDash(try.Response))
	}
	if err == nil && try.Error != "" {
		err = errors.New("the test failed: " + try.Error)
	}
	return err
}

func statusOf(t webhooks.Try) string {
	if t.Status == 0 {
		return "no response"
	}
	return strconv.Itoa(t.Status)
}

func (p Commands) deliveries() *cobra.Command {
	var q webhooks.Query
	var state, event string
	c := &cobra.Command{Use: "deliveries [ID]",
		Long: `List deliveries, the newest first: of one webhook, or of all. Each line has the
last response and, if the delivery waits, the next try. --after continues the
list. With --json, each delivery has its body and its last tries.`,
		Example: `  stile webhook deliveries whk_4kz2m7q1v8xa --state failed
  stile webhook deliveries --event import.failed --limit 10 --json`,
		Args: syntax.Takes(0, 1, "at most one ID of a webhook")}
	f := c.Flags()
	f.StringVar(&state, "state", "", "only those with this `state`: waiting, delivered or failed")
	f.StringVar(&event, "event", "", "only events of this `type`")
	f.Int64Var(&q.ID, "delivery", 0, "only the delivery with this `number`")
	f.Int64Var(&q.After, "after", 0, "`number` of the last delivery of the page before")
	f.IntVar(&q.Limit, "limit", 50, "maximum `number` of deliveries, 1 to 1000")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := syntax.CheckLimit(q.Limit, operations.MaxPage); err != nil {
			return err
		}
		q.Webhook, q.State, q.Event = strings.Join(args, ""), domain.State(state), events.Type(event)
		var page webhooks.Page
		if err := p.Run(c, q, &page); err != nil {
			return err
		}
		return host.ShowPage(p, page.Deliveries, "NUMBER CREATED EVENT STATE TRIES STATUS TOOK NEXT RESULT", deliveryRows(page.Deliveries), "more", page.Next)
	}
	return p.Prints(c)
}

func deliveryRows(all []webhooks.Delivery) (rows [][]string) {
	for _, d := range all {
		status, took, result := "-", "-", "-"
		if len(d.Tries) > 0 {
			t := d.Tries[0]
			status, took, result = statusOf(t), fmt.Sprintf("%d ms", t.Millis), printing.OrDash(t.Response)
			if t.Error != "" {
				result = t.Error
			}
		}
		rows = append(rows, []string{strconv.FormatInt(d.ID, 10), printing.Time(&d.CreatedAt), string(d.Type), string(d.State), strconv.Itoa(d.Attempts), status, took, printing.Time(d.NextTry), result})
	}
	return rows
}

func (p Commands) replay() *cobra.Command {
	var failedOf string
	c := &cobra.Command{Use: "replay NUMBER",
		Long: `Send the event of a delivery again, as a new delivery with the same webhook-id.
Instead of a number, --failed-of takes each failed delivery of a webhook that was
not sent again yet, up to 500, for example after the receiver was down for longer
than 24 h.`,
		Example: `  stile webhook replay 4711
  stile webhook replay --failed-of whk_4kz2m7q1v8xa`,
		Args: syntax.Takes(0, 1, "the number of a delivery")}
	c.Flags().StringVar(&failedOf, "failed-of", "", "`ID` of a webhook whose failed deliveries are sent again")
	c.RunE = func(c *cobra.Command, args []string) error {
		in := webhooks.Replay{FailedOf: failedOf}
		switch n, err := strconv.ParseInt(strings.Join(args, ""), 10, 64); {
		case len(args) == 1 && failedOf != "" || len(args) == 0 && failedOf == "":
			return syntax.Errorf("`%s` takes the number of a delivery or --failed-of", c.CommandPath())
		case len(args) == 1 && (err != nil || n < 1):
			return syntax.Errorf("%q: must be the number of a delivery, such as 4711", args[0])
		default:
			in.ID = n
		}
		var done webhooks.Replayed
		if err := p.Run(c, in, &done); err != nil {
			return err
		}
		return p.showReplayed(done)
	}
	return p.Prints(c)
}

func (p Commands) showReplayed(done webhooks.Replayed) error {
	if p.JSON() {
		return printing.JSON(p.Out(), done)
	}
	if len(done.Deliveries) == 1 {
		_, err := fmt.Fprintf(p.Text(), "delivery %d waits to be sent\n", done.Deliveries[0])
		return err
	}
	_, err := fmt.Fprintf(p.Text(), "%s deliveries wait to be sent\n", printing.Number(len(done.Deliveries)))
	if err == nil && done.More {
		_, err = fmt.Fprintln(p.Err(), "There are more: run the command again")
	}
	return err
}
