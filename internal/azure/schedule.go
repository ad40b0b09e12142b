package azure

import (
	"context"
	"encoding/json"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// CreateSchedule makes a schedule of a REST body's properties, or changes it, and returns
// the answer.
func (c *Client) CreateSchedule(ctx context.Context, name string, properties map[string]any) ([]byte, error) {
	text, err := json.Marshal(map[string]any{"properties": properties})
	if err != nil {
		return nil, errs.Wrap(err, "write the schedule")
	}
	var body armmachinelearning.Schedule
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, errs.New(errs.Invalid, "the schedule does not fit Azure's SDK: %w", err)
	}
	return c.putSchedule(ctx, name, body)
}

func (c *Client) putSchedule(ctx context.Context, name string, body armmachinelearning.Schedule) ([]byte, error) {
	p, err := c.factory.NewSchedulesClient().BeginCreateOrUpdate(ctx, c.at.Group, c.at.Name, name, body, nil)
	if err != nil {
		return nil, failed(err, "create schedule %s", name)
	}
	made, err := p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
	if err != nil {
		return nil, failed(err, "create schedule %s", name)
	}
	text, err := json.Marshal(made.Schedule)
	return text, errs.Wrap(err, "read the schedule")
}

// EnableSchedule lets a schedule fire, or keeps it from firing, and returns the answer.
func (c *Client) EnableSchedule(ctx context.Context, name string, on bool) ([]byte, error) {
	got, err := c.factory.NewSchedulesClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return nil, failed(err, "schedule %s", name)
	}
	if got.Properties == nil {
		return nil, errs.New(errs.Unavailable, "schedule %s came without properties", name)
	}
	got.Properties.IsEnabled = &on
	return c.putSchedule(ctx, name, armmachinelearning.Schedule{Properties: got.Properties})
}

// ShowSchedule returns a schedule.
func (c *Client) ShowSchedule(ctx context.Context, name string) ([]byte, error) {
	got, err := c.factory.NewSchedulesClient().Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return nil, failed(err, "schedule %s", name)
	}
	text, err := json.Marshal(got.Schedule)
	return text, errs.Wrap(err, "read the schedule")
}

// Schedules returns all schedules of the workspace, as a JSON list.
func (c *Client) Schedules(ctx context.Context) ([]byte, error) {
	all := armmachinelearning.ScheduleListViewTypeAll
	pages := c.factory.NewSchedulesClient().NewListPager(c.at.Group, c.at.Name, &armmachinelearning.SchedulesClientListOptions{ListViewType: &all})
	out := []*armmachinelearning.Schedule{}
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "list schedules")
		}
		out = append(out, page.Value...)
	}
	text, err := json.Marshal(out)
	return text, errs.Wrap(err, "read the schedules")
}

// DeleteSchedule forgets a schedule; the jobs that it made stay.
func (c *Client) DeleteSchedule(ctx context.Context, name string) error {
	p, err := c.factory.NewSchedulesClient().BeginDelete(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return failed(err, "delete schedule %s", name)
	}
	_, err = p.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: pollEvery})
	return failed(err, "delete schedule %s", name)
}
