package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/outbound"
)

const (
	sendTime   = 15 * time.Second // for one request, including its response
	maxRead    = 16 << 10         // of a response
	maxExcerpt = 300              // characters
)

// newClient returns a client that connects only where the targets allow, checks that at the moment
// of each connection, and follows no redirect: the operator has chosen the URL.
func newClient(t Targets) *http.Client {
	return &http.Client{
		Timeout: sendTime,
		Transport: outbound.NewTransport(sendTime, func(at netip.AddrPort, encrypted bool) error {
			if !t.may(at.Addr(), encrypted) {
				return fmt.Errorf("%s is not an address that webhooks.targets allows", at)
			}
			return nil
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// result is the result of a try.
type result struct {
	Try
	retryAfter time.Duration // that the response asks for; 0: it does not
}

// send sends a message once.
func (o *Outbox) send(ctx context.Context, w *Webhook, m Message) (r result) {
	began := time.Now()
	r.At = o.now().UTC().Truncate(time.Millisecond)
	err := o.post(ctx, w, m, &r)
	r.Duration = time.Since(began).Round(time.Millisecond)
	if err != nil {
		r.Error = events.SafeText(o.cause(err).Error(), maxExcerpt)
	}
	return r
}

// cause returns an error of a request for people, without the URL.
func (o *Outbox) cause(err error) error {
	e, ok := errors.AsType[*url.Error](err)
	_, isName := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return err
	case e.Timeout() && !isName:
		return fmt.Errorf("no response within %v", o.client.Timeout)
	}
	return outbound.Reason(e.Err)
}

func (o *Outbox) post(ctx context.Context, w *Webhook, m Message, r *result) error {
	signed, err := o.secrets.sign(w, m.ID, r.At, m.Body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(m.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "stile (+webhooks)")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(r.At.Unix(), 10))
	req.Header.Set("Webhook-Signature", signed)
	res, err := o.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	r.Status = res.StatusCode
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxRead)) // the status decides; a part is enough
	r.Excerpt = events.SafeText(string(body), maxExcerpt)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return fmt.Errorf("the response is %d, and redirects are not followed; give the webhook its final URL", res.StatusCode)
	}
	r.retryAfter = retryAfter(res.Header, r.At)
	return fmt.Errorf("the response is %d instead of 2xx", res.StatusCode)
}
