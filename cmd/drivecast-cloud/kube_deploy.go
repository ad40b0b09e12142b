package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/kube"
	"github.com/drivecast/drivecast/internal/job/kube/rollout"
)

// kubeDeploy is the command deploy kube.
func (a *app) kubeDeploy() *cobra.Command {
	deploy := &cobra.Command{Use: "deploy", Short: "Bring a model to where it serves", RunE: group}
	access, o := kube.Access{}, rollout.Options{}
	var file, test, body string
	c := &cobra.Command{
		Use: "kube -f MANIFESTS", Short: "Apply manifests to a cluster, wait, test, and put back what fails",
		Long: `kube applies manifests by server-side apply, waits for the Deployments, tests what
serves, and puts everything back when something fails.

--strategy rolling applies all at once; blue-green brings the Deployments up beside
those that serve and then turns the Services; canary gives pods beside them the shares
of --steps, one after the other. --test-url is asked after each step: by GET, or with
--test-body by POST; any answer but 200 is a failure.`,
		Example: "  helm template fleet deploy/helm/drivecast | drivecast deploy kube -f - --strategy canary --steps 10,50",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "file"); err != nil {
				return err
			}
			objects, err := readManifests(file, os.Stdin)
			if err != nil {
				return err
			}
			rc, space, err := access.Config()
			if err != nil {
				return err
			}
			cluster, err := rollout.Open(rc, space)
			if err != nil {
				return err
			}
			if test != "" {
				if o.Test, err = asks(test, body); err != nil {
					return err
				}
			}
			o.Say = func(line string) { fmt.Fprintln(a.stdout, line) }
			return cluster.Deploy(c.Context(), objects, o)
		},
	}
	f := c.Flags()
	f.StringVarP(&file, "file", "f", "", "file of manifests, or - for the standard input (required)")
	f.StringVar(&o.Strategy, "strategy", rollout.Rolling, "rolling, blue-green or canary")
	f.IntSliceVar(&o.Steps, "steps", []int{10, 50}, "shares of a canary in percent, rising")
	f.DurationVar(&o.Timeout, "timeout", 5*time.Minute, "how long each Deployment may take to come up")
	f.DurationVar(&o.Pause, "pause", 0, "how long to wait after each step before the test")
	f.StringVar(&test, "test-url", "", "address that must answer 200 after each step")
	f.StringVar(&body, "test-body", "", "file that is sent to --test-url as JSON")
	f.StringVar(&access.Kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG, or ~/.kube/config)")
	f.StringVar(&access.Context, "context", "", "context of the kubeconfig (default its current one)")
	f.StringVar(&access.Namespace, "namespace", "", "namespace of manifests that name none (default the context's)")
	deploy.AddCommand(c)
	return deploy
}

func readManifests(file string, stdin io.Reader) ([]*rollout.Object, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, errs.Wrap(err, "read manifests")
		}
		defer f.Close()
		stdin = f
	}
	objects, err := rollout.Parse(stdin)
	return objects, errs.Wrap(err, "%s", file)
}

// asks is a test that sends a request and wants the answer 200.
func asks(address, file string) (func(context.Context) error, error) {
	var body []byte
	method := http.MethodGet
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, errs.Wrap(err, "--test-body")
		}
		body, method = text, http.MethodPost
	}
	client := &http.Client{Timeout: 30 * time.Second}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
		if err != nil {
			return errs.New(errs.Usage, "--test-url: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		if err != nil {
			return errs.New(errs.Unavailable, "%w", err)
		}
		defer resp.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // for the message only
		if resp.StatusCode != http.StatusOK {
			return errs.New(errs.State, "%s answers %s: %s", address, resp.Status, said)
		}
		return nil
	}, nil
}
