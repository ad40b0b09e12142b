// Package rollout brings a deployment to an online endpoint of Azure ML: made beside
// what serves without any traffic, tested, mirrored, given its share step by step; what
// fails goes away again and the traffic back to where it was. All it remembers is in
// Azure, so that a rollout that was cut off goes on when it is asked for again.
package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
)

// Plan is what is to be rolled out, and how.
type Plan struct {
	Endpoint, Deployment string
	Kubernetes           bool           // such endpoints mirror nothing
	EndpointBody         map[string]any // makes the endpoint when it is not there; nil: it has to be
	Body                 map[string]any // of the deployment, complete
	Scale                *Scale         // nil: none
	Location             string

	Sample     []byte        // request of the tests
	Requests   int           // in each test; 0: no tests
	MaxErrors  float64       // share of a test's requests that may fail, from 0 to 1
	MaxLatency time.Duration // of 95 % of a test's requests; 0: any
	Mirror     int           // percent that are mirrored before the first step; 0: none
	Steps      []int         // shares in percent, rising; below 100, others keep the rest
	Pause      time.Duration // between giving a share and its test
	KeepOld    bool          // deployments that have lost their traffic stay
	KeepFailed bool          // one that failed stays, without traffic
	Timeout    time.Duration // of making the deployment; 0: Azure's own

	Say  func(line string)       // what is being done
	Look func(state, log string) // shown the log of a deployment that failed before it goes; may be nil
}

// Check is one test.
type Check struct {
	Step     string         `json:"step"`
	Requests int            `json:"requests"`
	Errors   int            `json:"errors"`
	P50      float64        `json:"p50_ms"`
	P95      float64        `json:"p95_ms"`
	Answers  map[string]int `json:"answers,omitempty"` // by deployment, when the traffic chose
}

// Result is what a rollout came to.
type Result struct {
	Endpoint   string           `json:"endpoint"`
	Deployment string           `json:"deployment"`
	State      string           `json:"state"` // deployed, unchanged, torn-down, kept or interrupted
	ScoringURI string           `json:"scoring_uri,omitempty"`
	Traffic    map[string]int32 `json:"traffic"`
	Deleted    []string         `json:"deleted"`
	Checks     []Check          `json:"checks"`
	Reason     string           `json:"reason,omitempty"` // why it failed
	Log        string           `json:"log,omitempty"`    // the end of the failed container's log
}

// Tags in which a deployment carries what a later run has to know.
const (
	markTag   = "drivecast-mark"   // hash of what was asked for
	beforeTag = "drivecast-before" // traffic as it was before, as JSON
)

// Mark is the hash of a deployment's body.
func Mark(body map[string]any) (string, error) {
	text, err := json.Marshal(body) // keys in order
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), errs.Wrap(err, "write the deployment")
}

// run is a rollout on its way.
type run struct {
	Plan
	c      *azure.Client
	mark   string
	e      azure.Endpoint
	before map[string]int32 // traffic before the rollout, also one that was cut off
	mirror map[string]int32
	made   bool // the endpoint, by us
	ours   bool // the deployment, now or in a run before
	scaled bool
	scorer *azure.Scorer
	out    Result
}

// Deploy rolls out. On failure it tears down what it made, unless the login is gone:
// then nothing can be changed any more, and the same call with a new login goes on. A
// deployment that failed is of kind State; the result says what there is in every case.
func Deploy(ctx context.Context, c *azure.Client, p Plan) (Result, error) {
	mark, err := Mark(p.Body)
	if err != nil {
		return Result{}, err
	}
	r := &run{Plan: p, c: c, mark: mark, out: Result{Endpoint: p.Endpoint, Deployment: p.Deployment, State: "deployed", Deleted: []string{}, Checks: []Check{}}}
	if err = r.forward(ctx); err != nil {
		err = r.back(ctx, err)
	}
	r.out.Traffic, r.out.ScoringURI = r.e.Traffic, r.e.ScoringURI
	return r.out, err
}

func (r *run) say(text string, args ...any) { r.Say(fmt.Sprintf(text, args...)) }

func (r *run) forward(ctx context.Context) error {
	for _, step := range []func(context.Context) error{r.endpoint, r.deployment, r.tested, r.scale, r.mirrored, r.shift, r.old} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// endpoint finds the endpoint, or makes it.
func (r *run) endpoint(ctx context.Context) error {
	var err error
	if r.e, err = r.settledEndpoint(ctx); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	switch {
	case err == nil && r.e.State != "Failed":
		if r.EndpointBody != nil {
			p, _ := r.EndpointBody["properties"].(map[string]any)
			if want, _ := p["authMode"].(string); want != "" && want != r.e.AuthMode {
				return errs.New(errs.State, "endpoint %s lets people in by %s and its file says %s; clients would be locked out: write auth_mode as it is, or another endpoint", r.Endpoint, r.e.AuthMode, want)
			}
		}
	case r.EndpointBody == nil:
		if err == nil {
			return errs.New(errs.State, "endpoint %s is %s; delete it and give its file, too", r.Endpoint, r.e.State)
		}
		return errs.New(errs.NotFound, "there is no endpoint %s; give its file, too: -f endpoint.yml", r.Endpoint)
	default:
		r.say("endpoint %s: making it", r.Endpoint)
		r.made = err != nil
		if r.e, err = r.c.PutEndpoint(ctx, r.Endpoint, r.EndpointBody); err != nil {
			return err
		}
	}
	r.before, r.mirror = r.e.Traffic, r.e.Mirror
	return nil
}

// settledEndpoint waits until nobody is changing the endpoint.
func (r *run) settledEndpoint(ctx context.Context) (azure.Endpoint, error) {
	for said := false; ; {
		e, err := r.c.Endpoint(ctx, r.Endpoint)
		if err != nil || !azure.Busy(e.State) {
			return e, err
		}
		if !said {
			said = true
			r.say("endpoint %s is %s; waiting", r.Endpoint, e.State)
		}
		if err := r.sleep(ctx, time.Second); err != nil {
			return e, err
		}
	}
}

func (r *run) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return errs.New(errs.Canceled, "stopped")
	case <-time.After(d):
		return nil
	}
}

// deployment makes the deployment without traffic, or finds the one that a run before
// made.
func (r *run) deployment(ctx context.Context) error {
	all, err := r.c.Deployments(ctx, r.Endpoint)
	if err != nil {
		return err
	}
	d, there := all[r.Deployment]
	for there && azure.Busy(d.State) {
		r.say("deployment %s is %s; waiting", r.Deployment, d.State)
		if err := r.sleep(ctx, time.Second); err != nil {
			return err
		}
		if all, err = r.c.Deployments(ctx, r.Endpoint); err != nil {
			return err
		}
		d, there = all[r.Deployment]
	}
	same := there && d.Tags[markTag] == r.mark
	switch share := r.e.Traffic[r.Deployment]; {
	case same && d.State == "Succeeded":
		r.ours = share < 100
		if err := r.remember(d, all); err != nil {
			return err
		}
		if r.out.State = "unchanged"; r.ours {
			r.out.State = "deployed"
			r.say("deployment %s is there with %d %% of the traffic; going on from there", r.Deployment, share)
		}
		return nil
	case there && share > 0:
		return errs.New(errs.State, "deployment %s serves %d %% of the traffic of %s and is another than this; give the new one a name of its own: --name green, say", r.Deployment, share, r.Endpoint)
	case there && d.State != "Succeeded":
		r.say("deployment %s is %s; deleting it", r.Deployment, d.State)
		if err := r.c.DeleteDeployment(ctx, r.Endpoint, r.Deployment); err != nil {
			return err
		}
	}
	return r.create(ctx)
}

// remember reads what the traffic was before a run that was cut off.
func (r *run) remember(d azure.Deployment, all map[string]azure.Deployment) error {
	text := d.Tags[beforeTag]
	if text == "" {
		return nil
	}
	before := map[string]int32{}
	if err := json.Unmarshal([]byte(text), &before); err != nil {
		return errs.New(errs.State, "the tag %s of deployment %s is no traffic; delete the deployment", beforeTag, r.Deployment)
	}
	for name := range before {
		if _, ok := all[name]; !ok {
			delete(before, name)
		}
	}
	r.before = before
	return nil
}

func (r *run) create(ctx context.Context) error {
	before, err := json.Marshal(r.before)
	if err != nil {
		return errs.Wrap(err, "write down the traffic")
	}
	body := maps.Clone(r.Body)
	tags, _ := body["tags"].(map[string]any)
	tags = maps.Clone(tags)
	if tags == nil {
		tags = map[string]any{}
	}
	tags[markTag], tags[beforeTag] = r.mark, string(before)
	body["tags"] = tags
	r.say("deployment %s: making it, without traffic", r.Deployment)
	began := time.Now()
	own, cancel := ctx, context.CancelFunc(func() {})
	if r.Timeout > 0 {
		own, cancel = context.WithTimeout(ctx, r.Timeout)
	}
	defer cancel()
	r.ours = true
	quiet := r.still(began)
	err = r.c.PutDeployment(own, r.Endpoint, r.Deployment, body)
	quiet()
	if err != nil {
		if own.Err() != nil && ctx.Err() == nil {
			return errs.New(errs.State, "deployment %s is not up after %s (--timeout)", r.Deployment, r.Timeout)
		}
		return err
	}
	r.say("deployment %s is up after %s", r.Deployment, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// still says every half minute that the deployment is being made, until it is stopped.
func (r *run) still(began time.Time) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(30 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case now := <-tick.C:
				r.say("deployment %s is being made: %s", r.Deployment, now.Sub(began).Round(time.Second))
			}
		}
	}()
	return func() { close(end); <-ended }
}

// scale makes the autoscale setting.
func (r *run) scale(ctx context.Context) error {
	if r.Scale == nil {
		return nil
	}
	r.scaled = true
	r.say("autoscale: %d to %d instances", r.Scale.Min, r.Scale.Max)
	id := r.c.At().Path() + "/onlineEndpoints/" + r.Endpoint
	return r.c.PutAutoscale(ctx, ScaleName(r.Endpoint, r.Deployment), r.Scale.Body(id, r.Deployment, r.Location))
}

// others are the deployments that had traffic before, in the order of their names.
func (r *run) others() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.before)) {
		if name != r.Deployment {
			out = append(out, name)
		}
	}
	return out
}

// mirrored gives the deployment copies of requests, and tests it under them.
func (r *run) mirrored(ctx context.Context) error {
	if r.Mirror <= 0 || len(r.others()) == 0 || r.e.Traffic[r.Deployment] > 0 {
		return nil
	}
	if r.Kubernetes {
		r.say("Kubernetes endpoints mirror nothing: going on without")
		return nil
	}
	r.say("mirroring %d %% of the traffic", r.Mirror)
	if err := r.set(ctx, r.e.Traffic, map[string]int32{r.Deployment: int32(r.Mirror)}); err != nil {
		return err
	}
	if err := r.sleep(ctx, r.Pause); err != nil {
		return err
	}
	return r.test(ctx, fmt.Sprintf("mirror %d %%", r.Mirror), true)
}

// shift gives the deployment its shares, one after the other.
func (r *run) shift(ctx context.Context) error {
	others, steps := r.others(), r.Steps
	if len(others) == 0 { // nobody to share with
		steps = []int{100}
	}
	for _, share := range steps {
		if int32(share) <= r.e.Traffic[r.Deployment] {
			continue
		}
		to := map[string]int32{r.Deployment: int32(share)}
		rest, total := int32(100-share), int32(0)
		for _, name := range others {
			total += r.before[name]
		}
		for i, name := range others { // the last takes what rounding left
			part := rest
			if i < len(others)-1 {
				part = (100 - int32(share)) * r.before[name] / total
			}
			to[name] = part
			rest -= part
		}
		r.say("traffic: %s", words(to))
		if err := r.set(ctx, to, nil); err != nil {
			return err
		}
		if err := r.sleep(ctx, r.Pause); err != nil {
			return err
		}
		if err := r.test(ctx, fmt.Sprintf("traffic %d %%", share), true); err != nil {
			return err
		}
	}
	return nil
}

// words writes shares as az ml does.
func words(traffic map[string]int32) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(traffic)) {
		out = append(out, fmt.Sprintf("%s=%d", name, traffic[name]))
	}
	return strings.Join(out, " ")
}

// set changes the traffic, unless somebody else has changed it meanwhile.
func (r *run) set(ctx context.Context, traffic, mirror map[string]int32) error {
	now, err := r.settledEndpoint(ctx)
	if err != nil {
		return err
	}
	if !maps.Equal(now.Traffic, r.e.Traffic) {
		stranger := errs.New(errs.State, "somebody else has changed the traffic of %s from %q to %q", r.Endpoint, words(r.e.Traffic), words(now.Traffic))
		r.e, r.before = now, nil
		return stranger
	}
	r.e, err = r.c.SetTraffic(ctx, now, traffic, mirror)
	if err != nil {
		r.e = now
	}
	return err
}

// old deletes the deployments that have lost their traffic.
func (r *run) old(ctx context.Context) error {
	for _, name := range r.others() {
		if r.KeepOld || r.e.Traffic[name] > 0 {
			continue
		}
		r.say("deployment %s has no traffic any more; deleting it", name)
		if err := r.c.DeleteDeployment(ctx, r.Endpoint, name); err != nil {
			return &late{err}
		}
		r.out.Deleted = append(r.out.Deleted, name)
		if err := r.c.DeleteAutoscale(ctx, ScaleName(r.Endpoint, name)); err != nil {
			return &late{err}
		}
	}
	return nil
}

// late is a fault after the new deployment took over: nothing goes back for it.
type late struct{ error }

func (l *late) Unwrap() error { return l.error }
