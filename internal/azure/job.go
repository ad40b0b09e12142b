package azure

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// Job is a job of the workspace: the REST API's fields, and a few of them read.
type Job struct {
	Name, Status, Experiment, DisplayName, Parent, Kind string
	Created                                             time.Time
	JSON                                                []byte // the whole answer
}

// Ended reports whether the job will not change any more.
func (j Job) Ended() bool {
	switch j.Status {
	case "Completed", "Failed", "Canceled", "NotResponding", "Paused":
		return true
	}
	return false
}

func jobOf(b armmachinelearning.JobBase) (Job, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return Job{}, errs.Wrap(err, "read the job")
	}
	j := Job{Name: deref(b.Name), JSON: text}
	if b.SystemData != nil {
		j.Created = deref(b.SystemData.CreatedAt)
	}
	if b.Properties != nil {
		p := b.Properties.GetJobBaseProperties()
		j.Status, j.Experiment, j.DisplayName = string(deref(p.Status)), deref(p.ExperimentName), deref(p.DisplayName)
		j.Kind = string(deref(p.JobType))
	}
	return j, nil
}

// Create makes a job of a REST body's properties.
func (c *Client) Create(ctx context.Context, name string, properties map[string]any) (Job, error) {
	text, err := json.Marshal(map[string]any{"properties": properties})
	if err != nil {
		return Job{}, errs.Wrap(err, "write the job")
	}
	var body armmachinelearning.JobBase
	if err := json.Unmarshal(text, &body); err != nil {
		return Job{}, errs.New(errs.Invalid, "the job does not fit Azure's SDK: %w", err)
	}
	made, err := c.factory.NewJobsClient().CreateOrUpdate(ctx, c.at.Group, c.at.Name, name, body, nil)
	if err != nil {
		return Job{}, failed(err, "create job %s", name)
	}
	return jobOf(made.JobBase)
}

// Get returns a job.
func (c *Client) Get(ctx context.Context, name string) (Job, error) {
	got, err := c.factory.NewJobsClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return Job{}, failed(err, "job %s", name)
	}
	return jobOf(got.JobBase)
}

// List returns the jobs of the workspace, at most max of them; 0 is all.
func (c *Client) List(ctx context.Context, max int) ([]Job, error) {
	var out []Job
	pages := c.factory.NewJobsClient().NewListPager(c.at.Group, c.at.Name, nil)
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "list jobs")
		}
		for _, b := range page.Value {
			j, err := jobOf(*b)
			if err != nil {
				return nil, err
			}
			if out = append(out, j); max > 0 && len(out) >= max {
				return out, nil
			}
		}
	}
	return out, nil
}

// Cancel asks for the job's end and waits until Azure has taken note.
func (c *Client) Cancel(ctx context.Context, name string) error {
	p, err := c.factory.NewJobsClient().BeginCancel(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return failed(err, "cancel job %s", name)
	}
	_, err = p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
	return failed(err, "cancel job %s", name)
}

// pollEvery is the shortest that the SDK allows.
const pollEvery = time.Second

// Stream copies the job's log to w until the job has ended, and returns it.
// Between looks it waits, longer the longer nothing happens, from wait to a
// minute. A canceled context leaves the job running.
func (c *Client) Stream(ctx context.Context, name string, w io.Writer, wait time.Duration) (Job, error) {
	seen := map[string]int{}
	for pause := wait; ; pause = min(pause*3/2, time.Minute) {
		j, err := c.Get(ctx, name)
		if err != nil {
			return j, err
		}
		fresh, err := c.logs(ctx, name, seen, w)
		if err != nil && !errs.Is(err, errs.NotFound) { // no log yet
			return j, err
		}
		if j.Ended() {
			return j, nil
		}
		if fresh {
			pause = wait
		}
		select {
		case <-ctx.Done():
			return j, errs.New(errs.Canceled, "stopped watching; job %s goes on", name)
		case <-time.After(pause):
		}
	}
}

// logs writes what is new in the user's logs, and whether there was anything.
func (c *Client) logs(ctx context.Context, name string, seen map[string]int, w io.Writer) (bool, error) {
	base, err := c.services(ctx)
	if err != nil {
		return false, err
	}
	var details struct {
		LogFiles map[string]string `json:"logFiles"`
	}
	text, err := c.ask(ctx, base+"/history/v1.0"+c.at.Path()+"/runs/"+name+"/details", true)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, &details); err != nil {
		return false, errs.New(errs.Unavailable, "the run's details are no JSON: %w", err)
	}
	fresh := false
	for file, address := range details.LogFiles {
		if !strings.HasPrefix(file, "user_logs/std_log") && !strings.HasPrefix(file, "azureml-logs/70_driver_log") {
			continue
		}
		log, err := c.ask(ctx, address, false)
		if err != nil {
			return fresh, err
		}
		if n := seen[file]; len(log) > n {
			if _, err := w.Write(log[n:]); err != nil {
				return fresh, errs.Wrap(err, "print the log")
			}
			seen[file], fresh = len(log), true
		}
	}
	return fresh, nil
}

// MLflow returns the address of the workspace's MLflow server, for clients that
// use none of the routes that it lacks (logged models).
func (c *Client) MLflow(ctx context.Context) (string, error) {
	ws, err := c.factory.NewWorkspacesClient().Get(ctx, c.at.Group, c.at.Name, nil)
	if err != nil {
		return "", failed(err, "workspace %s", c.at.Name)
	}
	if ws.Properties == nil || ws.Properties.MlFlowTrackingURI == nil {
		return "", errs.New(errs.Unavailable, "workspace %s has no MLflow address", c.at.Name)
	}
	address, _, _ := strings.Cut(*ws.Properties.MlFlowTrackingURI, "?")
	return strings.Replace(address, "azureml://", "https://", 1), nil
}

// services is the host of run history and MLflow, which is not ARM's.
func (c *Client) services(ctx context.Context) (string, error) {
	address, err := c.MLflow(ctx)
	if err != nil {
		return "", err
	}
	host, _, ok := strings.Cut(address, "/mlflow/")
	if !ok {
		return "", errs.New(errs.Unavailable, "workspace %s has an MLflow address of unknown form: %s", c.at.Name, address)
	}
	return host, nil
}

// maxLog is how much of one log is read.
const maxLog = 256 << 20

// ask reads an address, with the login's token when it is Azure's own API.
func (c *Client) ask(ctx context.Context, address string, login bool) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "Azure names an address that is none")
	}
	if login {
		token, err := c.cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.scope()}})
		if err != nil {
			return nil, failed(err, "log in")
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
	}
	resp, err := c.conn.httpClient().Do(req)
	if err != nil {
		var closed interface{ Timeout() bool }
		if errors.As(err, &closed) && ctx.Err() != nil {
			return nil, errs.New(errs.Canceled, "stopped")
		}
		return nil, errs.New(errs.Unavailable, "ask %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, errs.New(errs.NotFound, "%s has nothing there", req.URL.Host)
	case resp.StatusCode != http.StatusOK:
		return nil, errs.New(errs.Unavailable, "%s answers %s", req.URL.Host, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxLog))
	return text, errs.Wrap(err, "read from %s", req.URL.Host)
}

func (c *Client) scope() string {
	if c.conn.local() {
		return c.conn.Endpoint + "/.default"
	}
	return "https://management.azure.com/.default"
}
