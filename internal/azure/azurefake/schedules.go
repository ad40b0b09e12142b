package azurefake

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"
)

// serveSchedules keeps schedules; they do not fire.
func (s *Server) serveSchedules(f *fake.SchedulesServer) {
	f.BeginCreateOrUpdate = func(_ context.Context, group, ws, name string, body arm.Schedule, _ *arm.SchedulesClientBeginCreateOrUpdateOptions) (resp azfake.PollerResponder[arm.SchedulesClientCreateOrUpdateResponse], bad azfake.ErrorResponder) {
		if body.Properties == nil || body.Properties.Trigger == nil || body.Properties.Action == nil {
			bad.SetResponseError(http.StatusBadRequest, "a schedule has a trigger and an action")
			return
		}
		if a, ok := body.Properties.Action.(*arm.JobScheduleAction); ok {
			absent, err := s.unknownPart(ws, arm.JobBase{Properties: a.JobDefinition})
			if err == nil && absent != "" {
				bad.SetResponseError(http.StatusBadRequest, absent+" is not registered")
				return
			}
		}
		body.ID, body.Name = to.Ptr(path(group, ws, "schedules/"+name)), &name
		if _, err := s.put(ws+"/schedules/"+name, body); err != nil {
			bad.SetError(err)
			return
		}
		resp.SetTerminalResponse(http.StatusOK, arm.SchedulesClientCreateOrUpdateResponse{Schedule: body}, nil)
		return
	}
	f.Get = func(_ context.Context, _, ws, name string, _ *arm.SchedulesClientGetOptions) (resp azfake.Responder[arm.SchedulesClientGetResponse], bad azfake.ErrorResponder) {
		var out arm.SchedulesClientGetResponse
		if !s.get(ws+"/schedules/"+name, &out.Schedule) {
			bad.SetResponseError(http.StatusNotFound, missing)
			return
		}
		resp.SetResponse(http.StatusOK, out, nil)
		return
	}
	f.NewListPager = func(_, ws string, _ *arm.SchedulesClientListOptions) (resp azfake.PagerResponder[arm.SchedulesClientListResponse]) {
		s.mu.Lock()
		defer s.mu.Unlock()
		page := []*arm.Schedule{}
		for _, key := range slices.Sorted(maps.Keys(s.state.Resources)) {
			var one arm.Schedule
			if strings.HasPrefix(key, ws+"/schedules/") && json.Unmarshal(s.state.Resources[key], &one) == nil {
				page = append(page, &one)
			}
		}
		resp.AddPage(http.StatusOK, arm.SchedulesClientListResponse{ScheduleResourceArmPaginatedResult: arm.ScheduleResourceArmPaginatedResult{Value: page}}, nil)
		return
	}
	f.BeginDelete = func(_ context.Context, _, ws, name string, _ *arm.SchedulesClientBeginDeleteOptions) (resp azfake.PollerResponder[arm.SchedulesClientDeleteResponse], bad azfake.ErrorResponder) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.state.Resources, ws+"/schedules/"+name)
		if err := s.save(); err != nil {
			bad.SetError(err)
			return
		}
		resp.SetTerminalResponse(http.StatusOK, arm.SchedulesClientDeleteResponse{}, nil)
		return
	}
}
