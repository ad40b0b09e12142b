package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/azure/rollout"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
)

// dryRequest is a request that a rollout would send.
type dryRequest struct {
	Method string         `json:"method"`
	Path   string         `json:"path"`
	Body   map[string]any `json:"body,omitempty"`
	When   string         `json:"when,omitempty"`
}

// dryRun is what a rollout would do.
type dryRun struct {
	Requests []dryRequest  `json:"requests"`
	Sample   any           `json:"sample,omitempty"` // body of the tests' requests to the scoring address
	Cost     *job.Estimate `json:"cost,omitempty"`
}

const mlVersion = "?api-version=2024-04-01"

// dryDeploy prints the requests of a rollout in their order. Addresses of uploads
// stand as local paths, and of what is not known without Azure it says so.
func (a *app) dryDeploy(o deployFlags, p rollout.Plan, e *azureml.Endpoint, d *azureml.Deployment, cost *job.Estimate) error {
	work, err := os.MkdirTemp("", "drivecast-dry-")
	if err != nil {
		return errs.Wrap(err, "make a folder")
	}
	defer os.RemoveAll(work)
	s := &sender{at: azure.Workspace{Subscription: o.subscription, Group: o.group, Name: o.workspace.name}, work: work}
	out := dryRun{Cost: cost}
	base := s.at.Path() + "/onlineEndpoints/" + p.Endpoint
	where := func(body map[string]any) {
		if body["location"] == nil {
			body["location"] = "LOCATION OF THE WORKSPACE"
		}
	}
	if e != nil {
		s.endpoint(e, "LOCATION OF THE WORKSPACE")
		r := dryRequest{Method: "PUT", Path: base + mlVersion, Body: e.Body, When: "the endpoint is not there"}
		if d == nil {
			r.Body, r.When = e.WithTraffic(), ""
		}
		out.Requests = append(out.Requests, r)
	}
	if d != nil {
		s.dir = d.Dir
		where(d.Body)
		if err := s.dryParts(&out, d); err != nil {
			return err
		}
		mark, err := rollout.Mark(d.Body)
		if err != nil {
			return err
		}
		tags := mapIn(d.Body["tags"])
		tags["drivecast-mark"], tags["drivecast-before"] = mark, "TRAFFIC AS IT IS"
		out.Requests = append(out.Requests, dryRequest{Method: "PUT", Path: base + "/deployments/" + d.Name + mlVersion, Body: d.Body})
		if p.Scale != nil {
			out.Requests = append(out.Requests, dryRequest{Method: "PUT", Body: p.Scale.Body(base, d.Name, fmt.Sprint(d.Body["location"])),
				Path: strings.Split(base, "/providers/")[0] + "/providers/Microsoft.Insights/autoscalesettings/" + rollout.ScaleName(p.Endpoint, d.Name) + "?api-version=2022-10-01"})
		}
		out.Requests = append(out.Requests, drySteps(p, base)...)
		if p.Sample != nil {
			out.Sample = json.RawMessage(p.Sample)
		}
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return errs.Wrap(enc.Encode(out), "print the requests")
}

// dryParts names what a deployment needs, and adds the requests that register it.
func (s *sender) dryParts(out *dryRun, d *azureml.Deployment) error {
	p := mapIn(d.Body["properties"])
	if id, ok := p["environmentId"].(string); ok && !strings.Contains(id, "/") && !strings.Contains(id, "@") {
		name, version, _ := strings.Cut(id, ":")
		p["environmentId"] = s.id("environments", name) + "/versions/" + version
		if d.Environment != nil {
			out.Requests = append(out.Requests, dryRequest{Method: "PUT", Path: fmt.Sprint(p["environmentId"]) + mlVersion, Body: map[string]any{"properties": d.Environment}})
		}
	}
	if m := d.Model; m != nil {
		name, version, err := s.modelName(m)
		if err != nil {
			return err
		}
		id := s.at.Path() + "/models/" + name + "/versions/" + version
		p["model"] = id
		out.Requests = append(out.Requests, dryRequest{Method: "PUT", Path: id + mlVersion, When: "the model is not registered; modelUri becomes the address of its upload", Body: m.Body(m.Path)})
		return nil
	}
	if ref, ok := p["model"].(string); ok && !strings.HasPrefix(ref, "/") && !strings.Contains(ref, "@") && !strings.Contains(ref, "://") {
		name, version, _ := strings.Cut(ref, ":")
		p["model"] = s.at.Path() + "/models/" + name + "/versions/" + version
	}
	return nil
}

// drySteps are the changes of the traffic. Who serves now is only known to Azure.
func drySteps(p rollout.Plan, base string) []dryRequest {
	change := func(when string, traffic, mirror map[string]any) dryRequest {
		return dryRequest{Method: "PUT", Path: base + mlVersion, When: when, Body: map[string]any{"properties": map[string]any{"traffic": traffic, "mirrorTraffic": mirror}}}
	}
	var out []dryRequest
	others := "the rest of the endpoint stays; those that serve share what is left"
	if p.Mirror > 0 && !p.Kubernetes {
		out = append(out, change("others serve; their traffic and the rest of the endpoint stay", nil, map[string]any{p.Deployment: p.Mirror}))
	}
	for _, share := range p.Steps {
		out = append(out, change(others, map[string]any{p.Deployment: share}, map[string]any{}))
	}
	if !p.KeepOld {
		out = append(out, dryRequest{Method: "DELETE", Path: base + "/deployments/OLD" + mlVersion, When: "for each that has lost its traffic"})
	}
	return out
}

// cost says on stderr what a deployment costs; nil when no prices are known.
func (a *app) cost(d *azureml.Deployment, file string, scale *rollout.Scale) (*job.Estimate, error) {
	if d == nil || d.InstanceType == "" || d.Kubernetes {
		if file != "" {
			return nil, errs.New(errs.Usage, "--price goes with a managed deployment, which names its instance_type")
		}
		return nil, nil
	}
	most := d.Instances
	if scale != nil {
		most = max(most, scale.Max)
	}
	if file == "" {
		fmt.Fprintf(a.stderr, "cost: %d × %s for as long as it is there, beside those that serve now; --price FILE says what that is\n", most, d.InstanceType)
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, errs.Wrap(err, "read the prices")
	}
	defer f.Close()
	prices, err := job.ReadPrices(f, file)
	if err != nil {
		return nil, err
	}
	price, ok := prices.Sizes[strings.ToLower(d.InstanceType)]
	if !ok {
		return nil, errs.New(errs.NotFound, "%s has no price of %s", file, d.InstanceType)
	}
	hour := float64(most) * price
	e := &job.Estimate{Currency: prices.Currency, PerHour: hour, Parts: []job.CostPart{{Step: d.Name, Size: d.InstanceType, Nodes: most, PerHour: hour}}}
	fmt.Fprintf(a.stderr, "cost: %.2f %s an hour (%.2f in 30 days) for up to %d × %s, beside those that serve now until they are deleted\n", hour, prices.Currency, hour*720, most, d.InstanceType)
	return e, nil
}
