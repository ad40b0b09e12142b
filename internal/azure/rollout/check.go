package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
)

// settle is how long a fresh deployment may be unknown to the endpoint's gateway.
const settle = time.Minute

// tested asks the deployment by its name before anybody else does.
func (r *run) tested(ctx context.Context) error {
	if r.Requests == 0 {
		return nil
	}
	var err error
	if r.scorer, err = r.c.Scorer(ctx, r.e); err != nil {
		return err
	}
	for end := time.Now().Add(settle); ; {
		a, err := r.scorer.Ask(ctx, r.Deployment, r.Sample)
		if err == nil && a.Status != http.StatusNotFound && a.Status != http.StatusBadGateway && a.Status != http.StatusServiceUnavailable || time.Now().After(end) {
			break
		}
		if err := r.sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return r.test(ctx, "by header", false)
}

// test sends requests to the deployment by its name, and live ones as the traffic
// deals them, and compares the errors and the time they took with what may be.
func (r *run) test(ctx context.Context, step string, live bool) error {
	if r.Requests == 0 {
		return nil
	}
	own, why, err := r.series(ctx, step, r.Deployment)
	if err != nil {
		return err
	}
	if err := r.judge(own, why); err != nil || !live {
		return err
	}
	all, why, err := r.series(ctx, step+", live", "")
	if err != nil {
		return err
	}
	return r.judge(all, why)
}

// series sends the requests of a test; why is what was wrong with the first that failed.
func (r *run) series(ctx context.Context, step, to string) (c Check, why string, err error) {
	c = Check{Step: step, Requests: r.Requests}
	if to == "" {
		c.Answers = map[string]int{}
	}
	took := make([]time.Duration, 0, r.Requests)
	for range r.Requests {
		a, err := r.scorer.Ask(ctx, to, r.Sample)
		if ctx.Err() != nil {
			return c, "", errs.New(errs.Canceled, "stopped")
		}
		if problem := faulty(a, err); problem != "" {
			c.Errors++
			if why == "" {
				why = problem
			}
		}
		if to == "" && a.Deployment != "" {
			c.Answers[a.Deployment]++
		}
		took = append(took, a.Took)
	}
	slices.Sort(took)
	at := func(share float64) float64 { // the nearest rank
		return float64(took[max(0, int(math.Ceil(share*float64(len(took))))-1)].Microseconds()) / 1000
	}
	c.P50, c.P95 = at(.5), at(.95)
	r.out.Checks = append(r.out.Checks, c)
	line := fmt.Sprintf("test %s: %d requests, %d errors, p50 %.1f ms, p95 %.1f ms", step, c.Requests, c.Errors, c.P50, c.P95)
	for _, name := range sortedKeys(c.Answers) {
		line += fmt.Sprintf(", %s %d", name, c.Answers[name])
	}
	r.Say(line)
	return c, why, nil
}

func sortedKeys(m map[string]int) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// faulty says what is wrong with an answer, "" for nothing.
func faulty(a azure.Answer, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case a.Status != http.StatusOK:
		said := a.Body[:min(len(a.Body), 300)]
		if a.Reason != "" {
			return fmt.Sprintf("status %d (%s): %s", a.Status, a.Reason, said)
		}
		return fmt.Sprintf("status %d: %s", a.Status, said)
	case !json.Valid(a.Body):
		return "the answer is no JSON"
	}
	return ""
}

func (r *run) judge(c Check, why string) error {
	share := float64(c.Errors) / float64(c.Requests)
	switch limit := r.MaxLatency.Seconds() * 1000; {
	case share > r.MaxErrors:
		return errs.New(errs.State, "test %s: %d of %d requests failed, the first with %s", c.Step, c.Errors, c.Requests, why)
	case limit > 0 && c.P95 > limit:
		return errs.New(errs.State, "test %s: 95 %% of the requests took up to %.0f ms, more than %s (--max-latency)", c.Step, c.P95, r.MaxLatency)
	}
	return nil
}
