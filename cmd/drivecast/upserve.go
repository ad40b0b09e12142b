package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

// upResult is what `drivecast up` prints.
type upResult struct {
	Data     dataset         `json:"data"`
	Tracking string          `json:"tracking_uri"`
	Serving  string          `json:"serving_uri"`
	Model    string          `json:"model"`
	Jobs     []jobResult     `json:"jobs"`
	Versions []versionResult `json:"versions"`
	Champion string          `json:"champion"`
	Rule     string          `json:"champion_rule"`
	Samples  []sampleResult  `json:"samples"`
	Audit    string          `json:"audit,omitempty"` // blocked, when the audit blocks the data

	AuditChecks []string `json:"audit_checks,omitempty"`
	model       *model.Model
}

type jobResult struct {
	Name  string `json:"name"`
	State string `json:"status"`
	RunID string `json:"run_id"`
}

type versionResult struct {
	Version string             `json:"version"`
	Learner string             `json:"learner"`
	RunID   string             `json:"run_id"`
	Metrics map[string]float64 `json:"metrics"`
	Alias   string             `json:"alias,omitempty"`
}

type sampleResult struct {
	ID          string         `json:"id"`
	Which       string         `json:"which"`
	Probability float64        `json:"probability"`
	Risk        string         `json:"risk_level"`
	Actual      string         `json:"actual"`
	Space       string         `json:"space"`
	Base        float64        `json:"base_value"`
	Drivers     []contribution `json:"drivers"` // the features that drove it, strongest first
}

type contribution struct {
	Feature string   `json:"feature"`
	Value   *float64 `json:"value"` // null when missing
	Adds    float64  `json:"adds"`
}

func (r *upResult) addVersion(v client.Version, champion string) {
	out := versionResult{Version: v.Version, Learner: tagOf(v, "drivecast.learner"), RunID: v.RunID, Metrics: map[string]float64{}}
	for _, t := range v.Tags {
		var value float64
		if name, ok := strings.CutPrefix(t.Key, tagMetric); ok {
			if _, err := fmt.Sscan(t.Value, &value); err == nil {
				out.Metrics[name] = value
			}
		}
	}
	if v.Version == champion {
		out.Alias = "champion"
	}
	r.Versions = append(r.Versions, out)
}

// openChampion fetches the champion from the registry, as any server would.
func (l *loop) openChampion(ctx context.Context) (http.Handler, error) {
	m, err := l.env().Open(ctx, "models:/"+l.o.name+"@champion", l.tracking)
	if err != nil {
		return nil, err
	}
	l.result.model = m
	return score.NewHandler(score.Config{Model: m, Logger: l.logger, Parquet: table.WithParquet()})
}

// scoreSamples asks the served champion about three held-out drives.
func (l *loop) scoreSamples(ctx context.Context) error {
	champion := l.result.Versions[slices.IndexFunc(l.result.Versions, func(v versionResult) bool { return v.Alias != "" })]
	run, err := l.server.GetRun(ctx, champion.RunID)
	if err != nil {
		return err
	}
	text, err := l.server.ReadFile(ctx, run.Info.ArtifactURI, "samples.json", 1<<20)
	if err != nil {
		return err
	}
	var samples []train.Sample
	if err := json.Unmarshal(text, &samples); err != nil {
		return errs.Wrap(err, "read the sample drives")
	}
	for _, s := range samples {
		r, err := l.ask(ctx, s)
		if err != nil {
			return errs.Wrap(err, "score sample %s", s.ID)
		}
		l.result.Samples = append(l.result.Samples, r)
	}
	return nil
}

// ask scores one drive over HTTP.
func (l *loop) ask(ctx context.Context, s train.Sample) (sampleResult, error) {
	columns := l.result.model.Columns()
	row := make([]any, len(columns))
	for i, c := range columns {
		if v, ok := s.Values[c]; ok {
			row[i] = v
		}
	}
	body, err := json.Marshal(map[string]any{"dataframe_split": map[string]any{"columns": columns, "data": [][]any{row}}, "params": map[string]any{"explain": true}})
	if err != nil {
		return sampleResult{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.result.Serving+"/invocations", bytes.NewReader(body))
	if err != nil {
		return sampleResult{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sampleResult{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return sampleResult{}, errs.New(errs.Internal, "the server answered %s: %s", resp.Status, text)
	}
	var answer struct {
		Probabilities [][]float64
		Explanations  []struct {
			Space         string
			Base          float64 `json:"base_value"`
			Contributions map[string]float64
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Probabilities) != 1 || len(answer.Explanations) != 1 {
		return sampleResult{}, errs.New(errs.Internal, "unexpected answer %s (%v)", text, err)
	}
	p, why := answer.Probabilities[0], answer.Explanations[0]
	out := sampleResult{ID: s.ID, Which: s.Which, Probability: p[len(p)-1], Actual: s.Actual, Space: why.Space, Base: why.Base}
	risk := l.result.model.Risk
	if risk == (model.Risk{}) {
		risk = model.DefaultRisk
	}
	out.Risk = risk.Level(out.Probability)
	out.Drivers = drivers(why.Contributions, s.Values)
	return out, nil
}

// drivers are the three strongest contributions.
func drivers(adds map[string]float64, values map[string]float64) []contribution {
	var all []contribution
	for name, v := range adds {
		c := contribution{Feature: name, Adds: v}
		if value, ok := values[name]; ok {
			c.Value = &value
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b contribution) int {
		if d := math.Abs(b.Adds) - math.Abs(a.Adds); d != 0 {
			return int(math.Copysign(1, d))
		}
		return strings.Compare(a.Feature, b.Feature)
	})
	return all[:min(3, len(all))]
}

// print writes the table, the links and the commands of each step.
func (l *loop) print() error {
	r := &l.result
	r.Data, r.Model = l.data, l.o.name
	if l.o.output == "json" {
		return l.printJSON(r)
	}
	w := tabwriter.NewWriter(l.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nVERSION\tLEARNER\tACCURACY\tPRECISION\tRECALL\tF1_SCORE\tROC_AUC\tALIAS")
	for _, v := range r.Versions {
		fmt.Fprintf(w, "%s\t%s", v.Version, v.Learner)
		for _, m := range []string{"accuracy", "precision", "recall", "f1_score"} {
			fmt.Fprintf(w, "\t%.4f", v.Metrics[m])
		}
		fmt.Fprintf(w, "\t%.3f (%.3f-%.3f)\t%s\n", v.Metrics["roc_auc"], v.Metrics["roc_auc_low"], v.Metrics["roc_auc_high"], v.Alias)
	}
	fmt.Fprintln(w, "\nDRIVE\tPROBABILITY\tRISK\tACTUAL\tDRIVEN BY")
	for _, s := range r.Samples {
		fmt.Fprintf(w, "%s (%s)\t%.4f\t%s\t%s\t%s\n", s.ID, s.Which, s.Probability, s.Risk, s.Actual, inWords(s))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := r.suspect(); n != "" {
		fmt.Fprintf(l.stdout, "\nVersion %s ranks suspiciously well (roc_auc above %.2f). Honest drive data rarely allows it: look for columns that give\nthe answer away, for copies of one drive on both sides of the split, and at how few failures were held out.\n", n, suspectAUC)
	}
	fmt.Fprintf(l.stdout, "\nexperiments, runs, models  %s/\nscoring                    %s/invocations\n", r.Tracking, r.Serving)
	return l.printByHand()
}

// suspectAUC is where a result is doubted rather than celebrated.
const suspectAUC = .95

// suspect returns the versions that rank too well to be believed, or "".
func (r *upResult) suspect() string {
	var out []string
	for _, v := range r.Versions {
		if v.Metrics["roc_auc"] > suspectAUC {
			out = append(out, v.Version)
		}
	}
	return strings.Join(out, ", ")
}

func inWords(s sampleResult) string {
	parts := make([]string, len(s.Drivers))
	for i, d := range s.Drivers {
		value := "missing"
		if d.Value != nil {
			value = fmt.Sprintf("%.4g", *d.Value)
		}
		parts[i] = fmt.Sprintf("%s=%s (%+.3f)", d.Feature, value, d.Adds)
	}
	return strings.Join(parts, ", ") + " on " + s.Space
}

// printByHand shows the command of each step.
func (l *loop) printByHand() error {
	dir, err := filepath.Rel(must(os.Getwd()), l.o.dir)
	if err != nil || strings.HasPrefix(dir, "..") {
		dir = l.o.dir
	}
	data := l.o.data
	if data == "" {
		data = filepath.Join(dir, "data", "simulated")
	}
	sets := ""
	for _, s := range l.overrides(1)[1:] {
		sets += " --set " + s
	}
	_, err = fmt.Fprintf(l.stdout, `
Each step by hand:
  1. drivecast simulate --out fleet                     (or bring your own: %[2]s)
  2. drivecast server --backend-store-uri sqlite:///%[1]s/drivecast.db --artifacts-destination %[1]s/artifacts%[5]s
  3. drivecast job create -f %[1]s/job.yaml --set inputs.iteration=1%[4]s --dir %[1]s%[6]s --stream
  4. drivecast models show %[3]s%[6]s
  5. drivecast serve -m models:/%[3]s@champion%[6]s%[7]s
`, dir, data, l.o.name, sets, listenFlags(l.tracking, "5000"), trackingFlag(l.tracking), listenFlags(l.result.Serving, ""))
	return err
}

// listenFlags are the flags by which a server listens at a URL; none for what it does
// without them.
func listenFlags(at, port string) (flags string) {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	if u.Hostname() != "127.0.0.1" {
		flags += " --host " + u.Hostname()
	}
	if u.Port() != port {
		flags += " --port " + u.Port()
	}
	return flags
}

// trackingFlag names a server that commands would not ask without it.
func trackingFlag(uri string) string {
	if uri == serving.DefaultTrackingURI {
		return ""
	}
	return " --tracking-uri " + uri
}

// must returns the folder, or "." when there is none to be known.
func must(dir string, err error) string {
	if err != nil {
		return "."
	}
	return dir
}
