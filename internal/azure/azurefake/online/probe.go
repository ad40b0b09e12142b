package online

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

// probe is when and where it is asked whether a container is up.
type probe struct {
	name                string
	route               route
	delay, every        time.Duration
	timeout             time.Duration
	failures, successes int
	scoring             int32 // the port that the container listens on
	patience            time.Duration
	last                string
	passed              int
}

func newProbe(name string, at route, scoring int32, p *arm.ProbeSettings, pace float64) *probe {
	out := &probe{name: name, route: at, scoring: scoring, delay: 10 * time.Second, every: 10 * time.Second, timeout: 2 * time.Second, failures: 30, successes: 1}
	if p != nil {
		out.delay, out.every, out.timeout = lasting(p.InitialDelay, out.delay), lasting(p.Period, out.every), lasting(p.Timeout, out.timeout)
		if n := value(p.FailureThreshold); n > 0 {
			out.failures = int(n)
		}
		if n := value(p.SuccessThreshold); n > 0 {
			out.successes = int(n)
		}
	}
	out.patience = time.Duration(float64(out.delay+out.every*time.Duration(out.failures)) / pace)
	return out
}

// ask asks once and reports whether the probe has passed for good.
func (p *probe) ask(ctx context.Context, client *http.Client, address string) bool {
	if p.passed >= p.successes {
		return true
	}
	ok := false
	if p.last, ok = p.try(ctx, client, address); ok {
		p.passed++
	} else {
		p.passed = 0
	}
	return p.passed >= p.successes
}

func (p *probe) try(ctx context.Context, client *http.Client, address string) (string, bool) {
	if p.route.port != p.scoring {
		return fmt.Sprintf("Get \"http://container:%d%s\": dial tcp: connect: connection refused", p.route.port, p.route.path), false
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+p.route.path, nil)
	if err != nil {
		return err.Error(), false
	}
	resp, err := client.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)", false
	case err != nil:
		return fmt.Sprintf("Get \"http://container:%d%s\": dial tcp: connect: connection refused", p.route.port, p.route.path), false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection is used again
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return "HTTP probe failed with statuscode: " + strconv.Itoa(resp.StatusCode), false
	}
	return "", true
}

// ready waits until both probes pass. It asks more often than Azure does, and is
// patient as long.
func (s *Service) ready(ctx context.Context, i *instance, d *deployment, p spec, want wishes) error {
	probes := []*probe{
		newProbe("Liveness", want.liveness, want.scoring.port, p.liveness, s.o.Pace),
		newProbe("Readiness", want.readiness, want.scoring.port, p.readiness, s.o.Pace),
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	began := time.Now()
	for wait := 5 * time.Millisecond; ; wait = min(wait*2, 500*time.Millisecond) {
		all := true
		if s.unwanted(d) {
			return fail("Canceled", "the deployment is being deleted")
		}
		for _, one := range probes {
			all = one.ask(ctx, client, i.address) && all
		}
		if all {
			return nil
		}
		for _, one := range probes {
			if one.passed < one.successes && time.Since(began) > one.patience {
				i.say("Container events: Type: Warning, Message: %s probe failed: %s", one.name, one.last)
				return fail("ResourceNotReady", "User container has crashed or terminated. %s probe failed: %s", one.name, one.last)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-i.ended:
			return fail("ResourceNotReady", "User container has crashed or terminated: it ended %d times right after its start (CrashLoopBackOff)", i.restarts)
		case <-time.After(wait):
		}
	}
}

func (s *Service) unwanted(d *deployment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.State == deleting
}

// lasting reads an ISO 8601 duration of days, hours, minutes and seconds; other when
// there is none.
func lasting(p *string, other time.Duration) time.Duration {
	rest, ok := strings.CutPrefix(value(p), "P")
	if !ok {
		return other
	}
	days, clock, _ := strings.Cut(rest, "T")
	total := 0.0
	for _, part := range []struct {
		text, unit string
		seconds    float64
	}{{days, "D", 86400}, {clock, "H", 3600}, {clock, "M", 60}, {clock, "S", 1}} {
		before, _, found := strings.Cut(part.text, part.unit)
		if !found {
			continue
		}
		before = before[strings.LastIndexAny(before, "HM")+1:]
		n, err := strconv.ParseFloat(before, 64)
		if err != nil {
			return other
		}
		total += n * part.seconds
	}
	return time.Duration(total * float64(time.Second))
}
