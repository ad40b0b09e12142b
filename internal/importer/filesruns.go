package importer

import (
	"bufio"
	"context"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// link is one entry of a run's inputs or outputs.
type link = sqlstore.ModelLink

// runStates are the states of runs as the file store numbers them.
var runStates = map[int]string{1: tracking.Running, 2: tracking.Scheduled, 3: tracking.Finished, 4: tracking.Failed, 5: tracking.Killed}

func (w *work) filesRun(ctx context.Context, f folder, place, name string, links map[string][]link) error {
	dir := place + "/" + name
	var meta struct {
		ID      string `yaml:"run_id"`
		UUID    string `yaml:"run_uuid"`
		Name    string `yaml:"run_name"`
		User    string `yaml:"user_id"`
		Status  int    `yaml:"status"`
		Start   int64  `yaml:"start_time"`
		End     int64  `yaml:"end_time"`
		URI     string `yaml:"artifact_uri"`
		Stage   string `yaml:"lifecycle_stage"`
		Deleted int64  `yaml:"deleted_time"`
	}
	if err := f.meta(dir, &meta); err != nil {
		return err
	}
	if meta.ID == "" {
		meta.ID = meta.UUID
	}
	if meta.ID != name {
		return w.skip("run", dir, "its meta.yaml is of run "+strconv.Quote(meta.ID))
	}
	status := runStates[meta.Status]
	if status == "" {
		status = tracking.Running
	}
	r := sqlstore.ImportedRun{RunInfo: tracking.RunInfo{ID: meta.ID, Name: meta.Name, ExperimentID: path.Base(place), UserID: meta.User, Status: status,
		Start: meta.Start, End: meta.End, ArtifactURI: meta.URI, Stage: stage(meta.Stage)}, Deleted: meta.Deleted}
	var err error
	if r.Params, err = f.pairs(dir + "/params"); err != nil {
		return err
	}
	if r.Tags, err = f.pairs(dir + "/tags"); err != nil {
		return err
	}
	if err := f.inputs(place, dir, &r, links); err != nil {
		return err
	}
	r.Points = f.points(dir + "/metrics")
	return w.run(ctx, named(r))
}

// points reads every metric below dir: a file for each, a line for each point.
func (f folder) points(dir string) iter.Seq2[tracking.Metric, error] {
	return func(yield func(tracking.Metric, error) bool) {
		going := true
		err := f.walk(dir, func(key, name string) error {
			if !going {
				return nil
			}
			return f.lines(key, name, func(m tracking.Metric) bool {
				going = yield(m, nil)
				return going
			})
		})
		if err != nil && going {
			yield(tracking.Metric{}, err)
		}
	}
}

// lines reads "timestamp value step …" lines; the step is missing in old files.
// For logged models the run's id comes behind it, and the dataset's name and
// digest come last where there is one.
func (f folder) lines(key, name string, yield func(tracking.Metric) bool) error {
	file, err := f.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for row := 1; lines.Scan(); row++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		m, err := parsePoint(fields)
		if err != nil {
			return &errs.Input{File: name, Row: row, Problem: err.Error()}
		}
		if m.Key = key; !yield(m) {
			return nil
		}
	}
	return lines.Err()
}

func parsePoint(fields []string) (m tracking.Metric, err error) {
	if len(fields) < 2 {
		return m, errs.New(errs.Invalid, "a point is written: time value step")
	}
	if m.Timestamp, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return m, err
	}
	if m.Value, err = strconv.ParseFloat(fields[1], 64); err != nil {
		return m, err
	}
	m.Value = tracking.Finite(m.Value)
	if len(fields) > 2 {
		if m.Step, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
			return m, err
		}
	}
	switch len(fields) {
	case 4, 6:
		m.RunID = fields[3]
	}
	if len(fields) > 4 {
		m.DatasetName, m.DatasetDigest = fields[len(fields)-2], fields[len(fields)-1]
	}
	return m, nil
}

// inputs reads which datasets a run read, and which logged models it read and
// yielded.
func (f folder) inputs(place, dir string, r *sqlstore.ImportedRun, links map[string][]link) error {
	for _, side := range []string{"inputs", "outputs"} {
		names, err := f.folders(dir + "/" + side)
		if err != nil {
			return err
		}
		for _, name := range names {
			var meta struct {
				Kind   string            `yaml:"source_type"`
				Source string            `yaml:"source_id"`
				Target string            `yaml:"destination_id"`
				Step   int64             `yaml:"step"`
				Tags   map[string]string `yaml:"tags"`
			}
			if err := f.meta(path.Join(dir, side, name), &meta); err != nil {
				return err
			}
			switch {
			case side == "outputs":
				links[meta.Target] = append(links[meta.Target], link{RunID: r.ID, Direction: "out", Step: meta.Step})
			case meta.Kind == "MODEL":
				links[meta.Source] = append(links[meta.Source], link{RunID: r.ID, Direction: "in"})
			case meta.Kind == "DATASET":
				d, err := f.dataset(place, meta.Source, meta.Tags)
				if err != nil {
					return err
				}
				r.Datasets = append(r.Datasets, d)
			}
		}
	}
	return nil
}

func (f folder) dataset(place, id string, tags map[string]string) (in tracking.DatasetInput, err error) {
	if !runID().MatchString(id) {
		return in, &errs.Input{File: place, Problem: "an input names the dataset " + strconv.Quote(id)}
	}
	var meta struct {
		Name       string `yaml:"name"`
		Digest     string `yaml:"digest"`
		SourceType string `yaml:"source_type"`
		Source     string `yaml:"source"`
		Schema     string `yaml:"schema"`
		Profile    string `yaml:"profile"`
	}
	err = f.meta(place+"/datasets/"+id, &meta)
	in.Dataset = tracking.Dataset(meta)
	for k, v := range tags {
		in.Tags = append(in.Tags, tracking.Tag{Key: k, Value: v})
	}
	slices.SortFunc(in.Tags, func(a, b tracking.Tag) int { return strings.Compare(a.Key, b.Key) })
	return in, err
}
