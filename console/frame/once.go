package frame

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"
	"time"

	"stile.example/stile/recent"
)

// sentField is the hidden field that is different each time a form with a result is shown.
const sentField = "sent"

const (
	maxSent      = 10_000 // forms whose outcomes are remembered
	maxSentField = 64     // bytes of the hidden field
)

// outcomes remembers which forms with a [Form.Result] were sent, so that reloading the page of a
// secret, or sending the form twice, does not do it again. It never stores the secrets.
type outcomes struct {
	mu  sync.Mutex
	all recent.Map[sentForm, *outcome]
}

// sentForm is the hash of a form as it was shown to a session once: of the session, the path and
// the hidden field. A path may be long, and the caller chooses it.
type sentForm [sha256.Size]byte

// onceFor is how long other nodes know that a form was performed.
const onceFor = 24 * time.Hour

func newSentForm(session, path, nonce string) sentForm {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q", session, path, nonce))
}

// outcome is how a form that was sent ended.
type outcome struct {
	key  sentForm
	mu   sync.Mutex // held while the form is performed
	done *Done      // without its data; nil: it failed, or is not performed yet
}

// find returns the outcome of a form with a result, locked. Nil: it was sent without a nonce.
func (o *outcomes) find(r *Request, v Values) *outcome {
	nonce := v.Get(sentField)
	if nonce == "" || len(nonce) > maxSentField {
		return nil
	}
	key := newSentForm(r.Caller.Session, r.URL.Path, nonce)
	o.mu.Lock()
	one, ok := o.all.Use(key)
	if !ok {
		one = &outcome{key: key}
		o.all.Put(key, one)
	}
	o.mu.Unlock()
	one.mu.Lock()
	return one
}

// doOnce performs a form, unless it was performed already as it was sent: then isRepeat is true,
// and done has no data.
func (f *Frame) doOnce(r *Request, form Form, v Values) (done Done, isRepeat bool, err error) {
	var one *outcome
	if form.Result != "" {
		one = f.sent.find(r, v)
	}
	if one == nil {
		done, err = form.Do(r, v)
		return done, false, err
	}
	defer one.mu.Unlock()
	if one.done != nil {
		return *one.done, true, nil
	}
	first, undo, err := f.dir.Once(r.Context(), "form "+hex.EncodeToString(one.key[:16]), onceFor)
	if err != nil || !first { // another node performed it
		return Done{Title: "Already done", To: "/"}, err == nil, err
	}
	defer func() {
		if one.done == nil { // it failed, so it may be sent again
			undo()
		}
	}()
	if done, err = form.Do(r, v); err == nil && done.Data != nil {
		kept := done
		kept.Data = nil
		one.done = &kept
	}
	return done, false, err
}

// showRepeat responds to a form that was performed already, and whose result was shown then.
func (f *Frame) showRepeat(w http.ResponseWriter, r *Request, form Form, done Done) {
	r.Title, r.Section = done.Title, form.Section
	f.render(w, r, http.StatusOK, f.Template(`{{template "repeat" .}}`), done)
}

// Sent returns a hidden field with a random value. It identifies a form with a result, as it is
// shown this time.
func (v View) Sent() Field { return Field{Name: sentField, Kind: "hidden", Value: rand.Text()} }
