package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/doctor"
)

// liveReport is what doctor --live found of one deployment.
type liveReport struct {
	Endpoint   string           `json:"endpoint"`
	Deployment string           `json:"deployment"`
	State      string           `json:"state"`
	Findings   []doctor.Finding `json:"findings"`
	Log        string           `json:"log"`
}

// live examines deployments of an endpoint: ENDPOINT/DEPLOYMENT, or all of an ENDPOINT.
func (a *app) live(ctx context.Context, w workspace, what, form string) error {
	endpoint, only, _ := strings.Cut(what, "/")
	c, err := a.client(w)
	if err != nil {
		return err
	}
	if _, err := c.Endpoint(ctx, endpoint); err != nil {
		return err
	}
	all, err := c.Deployments(ctx, endpoint)
	if err != nil {
		return err
	}
	if _, ok := all[only]; only != "" && !ok {
		return errs.New(errs.NotFound, "endpoint %s has no deployment %s; it has %s", endpoint, only, strings.Join(sorted(all), ", "))
	}
	if len(all) == 0 {
		return errs.New(errs.NotFound, "endpoint %s has no deployment; one that failed is gone when deploy tore it down: deploy it with --keep-failed", endpoint)
	}
	bad := 0
	for _, name := range sorted(all) {
		d := all[name]
		if only != "" && name != only {
			continue
		}
		r := liveReport{Endpoint: endpoint, Deployment: name, State: d.State, Findings: []doctor.Finding{}}
		for _, container := range []string{"StorageInitializer", "InferenceServer"} {
			text, err := c.DeploymentLog(ctx, endpoint, name, container, 500)
			if err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			r.Log += text
		}
		if d.State != "Succeeded" {
			bad++
			r.Findings = doctor.Diagnose("", r.Log)
		}
		if err := a.printReport(r, form); err != nil {
			return err
		}
	}
	if bad > 0 {
		return errs.New(errs.State, "doctor --live: %d of the deployments examined do not serve", bad)
	}
	return nil
}

func (a *app) printReport(r liveReport, form string) error {
	if form == "json" {
		return errs.Wrap(json.NewEncoder(a.stdout).Encode(r), "print")
	}
	fmt.Fprintf(a.stdout, "%s/%s is %s\n", r.Endpoint, r.Deployment, r.State)
	for _, f := range r.Findings {
		printFinding(a.stdout, f)
	}
	if r.State == "Succeeded" {
		return nil
	}
	lines := strings.SplitAfter(strings.TrimRight(r.Log, "\n"), "\n")
	if len(r.Findings) == 0 {
		fmt.Fprintln(a.stdout, "the log shows none of the causes that are known here; its end is:")
	}
	for _, line := range lines[max(0, len(lines)-20):] {
		fmt.Fprintln(a.stdout, "  | "+strings.TrimRight(line, "\r\n"))
	}
	return nil
}

func printFinding(w io.Writer, f doctor.Finding) {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	fmt.Fprintf(w, "%s: %s\n    %s\n    mend: %s\n", place, f.Cause, f.Problem, f.Mend)
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// printLive tells on stderr why a deployment failed.
func (a *app) printLive(findings []doctor.Finding) {
	for _, f := range findings {
		printFinding(a.stderr, f)
	}
}
