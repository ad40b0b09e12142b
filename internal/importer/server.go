package importer

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Server takes over what a running MLflow server, 2.4 or newer, tells of itself
// over REST. Deleted logged models and versions, and when runs were deleted, it
// does not tell. A run is fetched whole before it is written; those that are here
// already are not fetched.
func Server(ctx context.Context, from *client.Client, into Target, o Options) (Report, error) {
	w := newWork(into, o)
	s := &served{work: w, from: from, links: map[string][]link{}}
	return w.report, errs.Wrap(s.all(ctx), "import %s", from.URI())
}

// LookServer asks a server for one experiment: it fails as Server would when it
// cannot be reached, asks for a login, or is no MLflow server.
func LookServer(ctx context.Context, from *client.Client) error {
	in := map[string]any{"view_type": "ALL", "max_results": 1}
	var answer struct{} // a page of a website does not decode
	return errs.Wrap(from.Call(ctx, http.MethodPost, "experiments/search", in, &answer), "import %s", from.URI())
}

type served struct {
	*work
	from  *client.Client
	links map[string][]link // by logged model
}

const (
	serverPage = 200 // records asked for at once
	histories  = 4   // fetched side by side
)

func (s *served) all(ctx context.Context) error {
	ids, err := s.experiments(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.runs(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := s.models(ctx, id); err != nil {
			return err
		}
	}
	return s.registry(ctx)
}

// pages asks for one page after another; page decodes one and returns the token
// of the next.
func pages[T any](ctx context.Context, c *client.Client, path string, in map[string]any, page func(*T) (next string, err error)) error {
	for {
		var out T
		if err := c.Call(ctx, http.MethodPost, path, in, &out); err != nil {
			return err
		}
		next, err := page(&out)
		if err != nil || next == "" {
			return err
		}
		in["page_token"] = next
	}
}

func (s *served) experiments(ctx context.Context) (ids []string, err error) {
	type answer struct {
		List []struct {
			ID       string         `json:"experiment_id"`
			Name     string         `json:"name"`
			Location string         `json:"artifact_location"`
			Stage    string         `json:"lifecycle_stage"`
			Created  client.Int     `json:"creation_time"`
			Updated  client.Int     `json:"last_update_time"`
			Tags     []tracking.Tag `json:"tags"`
		} `json:"experiments"`
		Next string `json:"next_page_token"`
	}
	in := map[string]any{"view_type": "ALL", "max_results": serverPage, "order_by": []string{"experiment_id ASC"}}
	err = pages(ctx, s.from, "experiments/search", in, func(a *answer) (string, error) {
		for _, e := range a.List {
			ids = append(ids, e.ID)
			err := s.experiment(ctx, tracking.Experiment{ID: e.ID, Name: e.Name, ArtifactLocation: e.Location, Stage: stage(e.Stage), Created: int64(e.Created), Updated: int64(e.Updated), Tags: e.Tags})
			if err != nil {
				return "", err
			}
		}
		return a.Next, nil
	})
	return ids, err
}

// servedRun is a run as servers answer it.
type servedRun struct {
	Info struct {
		ID         string     `json:"run_id"`
		Name       string     `json:"run_name"`
		Experiment string     `json:"experiment_id"`
		User       string     `json:"user_id"`
		Status     string     `json:"status"`
		Start      client.Int `json:"start_time"`
		End        client.Int `json:"end_time"`
		URI        string     `json:"artifact_uri"`
		Stage      string     `json:"lifecycle_stage"`
	} `json:"info"`
	Data struct {
		Metrics []struct {
			Key string `json:"key"`
		} `json:"metrics"`
		Params []tracking.Tag `json:"params"`
		Tags   []tracking.Tag `json:"tags"`
	} `json:"data"`
	Inputs struct {
		Datasets []struct {
			Tags    []tracking.Tag `json:"tags"`
			Dataset struct {
				Name       string `json:"name"`
				Digest     string `json:"digest"`
				SourceType string `json:"source_type"`
				Source     string `json:"source"`
				Schema     string `json:"schema"`
				Profile    string `json:"profile"`
			} `json:"dataset"`
		} `json:"dataset_inputs"`
		Models []modelLink `json:"model_inputs"`
	} `json:"inputs"`
	Outputs struct {
		Models []modelLink `json:"model_outputs"`
	} `json:"outputs"`
}

type modelLink struct {
	ID   string     `json:"model_id"`
	Step client.Int `json:"step"`
}

func (s *served) runs(ctx context.Context, experiment string) error {
	type answer struct {
		Runs []servedRun `json:"runs"`
		Next string      `json:"next_page_token"`
	}
	in := map[string]any{"experiment_ids": []string{experiment}, "run_view_type": "ALL", "max_results": serverPage, "order_by": []string{"attributes.start_time ASC"}}
	return pages(ctx, s.from, "runs/search", in, func(a *answer) (string, error) {
		for i := range a.Runs {
			if err := s.servedRun(ctx, &a.Runs[i]); err != nil {
				return "", errs.Wrap(err, "run %s", a.Runs[i].Info.ID)
			}
		}
		return a.Next, nil
	})
}

func (s *served) servedRun(ctx context.Context, x *servedRun) error {
	for _, m := range x.Inputs.Models {
		s.links[m.ID] = append(s.links[m.ID], link{RunID: x.Info.ID, Direction: "in"})
	}
	for _, m := range x.Outputs.Models {
		s.links[m.ID] = append(s.links[m.ID], link{RunID: x.Info.ID, Direction: "out", Step: int64(m.Step)})
	}
	there, err := s.into.HasRun(ctx, x.Info.ID)
	if err != nil {
		return err
	}
	if there {
		s.report.Known++
		return nil
	}
	if err := s.files(ctx, x.Info.URI); err != nil {
		return err
	}
	points, err := s.points(ctx, x)
	if err != nil {
		return err
	}
	r := sqlstore.ImportedRun{RunInfo: tracking.RunInfo{ID: x.Info.ID, Name: x.Info.Name, ExperimentID: x.Info.Experiment, UserID: x.Info.User,
		Status: cmp.Or(x.Info.Status, tracking.Running), Start: int64(x.Info.Start), End: int64(x.Info.End), ArtifactURI: x.Info.URI, Stage: stage(x.Info.Stage)},
		Params: x.Data.Params, Tags: x.Data.Tags, Points: points}
	for _, d := range x.Inputs.Datasets {
		r.Datasets = append(r.Datasets, tracking.DatasetInput{Dataset: tracking.Dataset(d.Dataset), Tags: d.Tags})
	}
	return s.run(ctx, named(r))
}

// files copies the files behind a URI, when copies were asked for.
func (s *served) files(ctx context.Context, uri string) error {
	if s.o.Files == nil || uri == "" {
		return nil
	}
	return errs.Wrap(s.o.Files(ctx, uri), "copy the files at %s", uri)
}

// points fetches the history of every metric of a run.
func (s *served) points(ctx context.Context, x *servedRun) (iter.Seq2[tracking.Metric, error], error) {
	all := make([][]client.Metric, len(x.Data.Metrics))
	failed := make([]error, len(all))
	var done sync.WaitGroup
	turns := make(chan struct{}, histories)
	for i, m := range x.Data.Metrics {
		turns <- struct{}{}
		done.Go(func() {
			all[i], failed[i] = s.from.MetricHistory(ctx, x.Info.ID, m.Key)
			<-turns
		})
	}
	done.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return func(yield func(tracking.Metric, error) bool) {
		for _, list := range all {
			for _, m := range list {
				if !yield(tracking.Metric{Key: m.Key, Value: m.Value, Timestamp: m.Time.UnixMilli(), Step: m.Step}, nil) {
					return
				}
			}
		}
	}, nil
}

func (s *served) models(ctx context.Context, experiment string) error {
	type metric struct {
		Key       string     `json:"key"`
		Value     looseFloat `json:"value"`
		Timestamp client.Int `json:"timestamp"`
		Step      client.Int `json:"step"`
		Dataset   string     `json:"dataset_name"`
		Digest    string     `json:"dataset_digest"`
		Run       string     `json:"run_id"`
	}
	type answer struct {
		Models []struct {
			Info struct {
				ID         string         `json:"model_id"`
				Experiment string         `json:"experiment_id"`
				Name       string         `json:"name"`
				Created    client.Int     `json:"creation_timestamp_ms"`
				Updated    client.Int     `json:"last_updated_timestamp_ms"`
				URI        string         `json:"artifact_uri"`
				Status     string         `json:"status"`
				Type       string         `json:"model_type"`
				Run        string         `json:"source_run_id"`
				Message    string         `json:"status_message"`
				Tags       []tracking.Tag `json:"tags"`
			} `json:"info"`
			Data struct {
				Params  []tracking.Tag `json:"params"`
				Metrics []metric       `json:"metrics"`
			} `json:"data"`
		} `json:"models"`
		Next string `json:"next_page_token"`
	}
	err := pages(ctx, s.from, "logged-models/search", map[string]any{"experiment_ids": []string{experiment}}, func(a *answer) (string, error) {
		for _, x := range a.Models {
			m := tracking.LoggedModel{ID: x.Info.ID, ExperimentID: x.Info.Experiment, Name: x.Info.Name, Type: x.Info.Type, SourceRunID: x.Info.Run, ArtifactURI: x.Info.URI,
				Status: cmp.Or(x.Info.Status, tracking.ModelPending), StatusMessage: x.Info.Message, Created: int64(x.Info.Created), Updated: int64(x.Info.Updated), Tags: x.Info.Tags, Params: x.Data.Params}
			for _, p := range x.Data.Metrics {
				m.Metrics = append(m.Metrics, tracking.Metric{Key: p.Key, Value: float64(p.Value), Timestamp: int64(p.Timestamp), Step: int64(p.Step), RunID: p.Run, DatasetName: p.Dataset, DatasetDigest: p.Digest})
			}
			if err := s.files(ctx, m.ArtifactURI); err != nil {
				return "", err
			}
			if err := s.model(ctx, m, tracking.Active, s.links[m.ID]); err != nil {
				return "", err
			}
		}
		return a.Next, nil
	})
	if errs.Is(err, errs.Unsupported) || errs.Is(err, errs.NotFound) {
		return nil // a server of 2.x has none
	}
	return err
}

// looseFloat is a number that servers write as a text when it is none.
type looseFloat float64

// UnmarshalJSON accepts 0.5, "NaN" and "Infinity".
func (f *looseFloat) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*f = looseFloat(tracking.Finite(v))
	return err
}

func (s *served) registry(ctx context.Context) error {
	type answer struct {
		Models []struct {
			Name        string           `json:"name"`
			Description string           `json:"description"`
			Created     client.Int       `json:"creation_timestamp"`
			Updated     client.Int       `json:"last_updated_timestamp"`
			Tags        []registry.Tag   `json:"tags"`
			Aliases     []registry.Alias `json:"aliases"`
		} `json:"registered_models"`
		Next string `json:"next_page_token"`
	}
	q := url.Values{"max_results": {strconv.Itoa(serverPage)}}
	for {
		var a answer
		if err := s.from.Call(ctx, http.MethodGet, "registered-models/search", q, &a); err != nil {
			return err
		}
		for _, x := range a.Models {
			versions, last, err := s.versions(ctx, x.Name)
			if err != nil {
				return err
			}
			m := registry.Model{Name: x.Name, Description: x.Description, Created: int64(x.Created), Updated: int64(x.Updated), Tags: x.Tags, Aliases: x.Aliases}
			if err := s.registered(ctx, m, versions, last); err != nil {
				return err
			}
		}
		if a.Next == "" {
			return nil
		}
		q.Set("page_token", a.Next)
	}
}

func (s *served) versions(ctx context.Context, name string) (out []registry.Version, last int64, err error) {
	list, err := s.from.Versions(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	for _, x := range slices.Backward(list) {
		n, err := strconv.ParseInt(x.Version, 10, 64)
		if err != nil {
			return nil, 0, err
		}
		storage, err := s.from.DownloadURI(ctx, name, x.Version)
		if err != nil {
			return nil, 0, err
		}
		v := registry.Version{Name: name, Number: n, Created: int64(x.Created), Updated: int64(x.Updated), UserID: x.UserID, Stage: cmp.Or(x.Stage, registry.NoStage),
			Description: x.Description, Source: x.Source, Storage: storage, RunID: x.RunID, RunLink: x.RunLink, ModelID: x.ModelID, Status: cmp.Or(x.Status, registry.Ready), Message: x.Message}
		for _, t := range x.Tags {
			v.Tags = append(v.Tags, registry.Tag(t))
		}
		out, last = append(out, v), max(last, n)
	}
	return out, last, nil
}
