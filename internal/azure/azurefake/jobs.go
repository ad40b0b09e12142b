package azurefake

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"
)

// shown is a job as the API shows it; the caller holds the lock.
func (r *record) shown() (arm.JobBase, error) {
	var b arm.JobBase
	var whole struct {
		ID         string         `json:"id"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(r.Body, &whole); err != nil {
		return b, err
	}
	whole.Properties["status"] = r.Status
	if len(r.Properties) > 0 {
		found := map[string]any{}
		if given, ok := whole.Properties["properties"].(map[string]any); ok {
			maps.Copy(found, given)
		}
		for k, v := range r.Properties {
			found[k] = v
		}
		whole.Properties["properties"] = found
	}
	text, err := json.Marshal(whole)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		return b, err
	}
	if made, err := time.Parse(time.RFC3339Nano, r.Created); err == nil {
		b.SystemData = &arm.SystemData{CreatedAt: &made}
	}
	b.Name = &r.Name
	return b, nil
}

// serveJobs keeps jobs and queues them.
func (s *Server) serveJobs(j *fake.JobsServer) {
	j.CreateOrUpdate = func(_ context.Context, group, ws, name string, body arm.JobBase, _ *arm.JobsClientCreateOrUpdateOptions) (resp azfake.Responder[arm.JobsClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		absent, err := s.unknownPart(ws, body)
		if err == nil && absent != "" {
			bad.SetResponseError(http.StatusBadRequest, absent+" is not registered")
			return
		}
		body.ID = to.Ptr(path(group, ws, "jobs/"+name))
		var text []byte
		if err == nil {
			text, err = json.Marshal(body)
		}
		if err != nil {
			bad.SetError(err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.job(ws, name) != nil { // a job's definition does not change
			bad.SetResponseError(http.StatusConflict, "ResourceConflict")
			return
		}
		r := &record{Workspace: ws, Name: name, Status: "Queued", Created: time.Now().UTC().Format(time.RFC3339Nano), Body: text}
		s.state.Jobs = append(s.state.Jobs, r)
		shown, err := r.shown()
		if err == nil {
			err = s.save()
		}
		if err != nil {
			bad.SetError(err)
			return
		}
		s.poke()
		resp.SetResponse(http.StatusCreated, arm.JobsClientCreateOrUpdateResponse{JobBase: shown}, nil)
		return
	}
	j.Get = func(_ context.Context, _, ws, name string, _ *arm.JobsClientGetOptions) (resp azfake.Responder[arm.JobsClientGetResponse], bad azfake.ErrorResponder) {
		s.mu.Lock()
		defer s.mu.Unlock()
		r := s.job(ws, name)
		if r == nil {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		shown, err := r.shown()
		if err != nil {
			bad.SetError(err)
			return
		}
		resp.SetResponse(http.StatusOK, arm.JobsClientGetResponse{JobBase: shown}, nil)
		return
	}
	j.NewListPager = s.listJobs
	j.BeginCancel = s.cancelJob
}

func (s *Server) listJobs(_, ws string, _ *arm.JobsClientListOptions) (resp azfake.PagerResponder[arm.JobsClientListResponse]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := []*arm.JobBase{}
	for i := len(s.state.Jobs) - 1; i >= 0; i-- {
		if r := s.state.Jobs[i]; r.Workspace == ws && r.Parent == "" {
			shown, err := r.shown()
			if err != nil {
				resp.AddError(err)
				return
			}
			page = append(page, &shown)
		}
	}
	resp.AddPage(http.StatusOK, arm.JobsClientListResponse{JobBaseResourceArmPaginatedResult: arm.JobBaseResourceArmPaginatedResult{Value: page}}, nil)
	return
}

func (s *Server) cancelJob(_ context.Context, _, ws, name string, _ *arm.JobsClientBeginCancelOptions) (resp azfake.PollerResponder[arm.JobsClientCancelResponse], bad azfake.ErrorResponder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.job(ws, name)
	if r == nil {
		bad.SetResponseError(http.StatusNotFound, missing)
		return
	}
	if !ended(r.Status) {
		stop := s.running[ws+"/"+name]
		if r.Status = "Canceled"; stop != nil {
			r.Status = "CancelRequested"
			stop()
		}
		if err := s.save(); err != nil {
			bad.SetError(err)
			return
		}
	}
	resp.SetTerminalResponse(http.StatusOK, arm.JobsClientCancelResponse{}, nil)
	return
}

// poke wakes the runner.
func (s *Server) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
