// Package web is the page at /: experiments, their runs, and registered models,
// as plain HTML that needs no script; with one, it follows what happens to runs.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"when": when, "took": took, "query": url.QueryEscape,
}).Parse(pageText))

// Records is what the page shows.
type Records interface {
	SearchExperiments(ctx context.Context, q tracking.Search) ([]tracking.Experiment, string, error)
	SearchRuns(ctx context.Context, q tracking.Search) ([]*tracking.Run, string, error)
}

// Models is the register of models.
type Models interface {
	SearchModels(ctx context.Context, q registry.Search) ([]*registry.Model, string, error)
	SearchVersions(ctx context.Context, q registry.Search) ([]*registry.Version, string, error)
}

const (
	maxExperiments = 200
	maxModels      = 100
	runsPerPage    = 50
)

// columns are the metrics that have a column of their own.
var columns = []string{"roc_auc", "f1_score", "precision", "recall", "accuracy"}

// Viewer says who looks at a page: their name, and the token that forms of theirs
// must carry. Both are "" when nobody is asked who they are.
type Viewer func(*http.Request) (name, formToken string)

// Handler returns the page. ?experiment=ID chooses an experiment, &page=TOKEN
// goes on. who may be nil.
func Handler(runs Records, models Models, who Viewer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		v, err := load(r.Context(), runs, models, r.URL.Query().Get("experiment"), r.URL.Query().Get("page"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if who != nil {
			v.Viewer, v.FormToken = who(r)
		}
		v.Nonce, v.Live = rand.Text(), r.URL.Query().Get("page") == ""
		var out bytes.Buffer
		if err := page.Execute(&out, v); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-"+v.Nonce+"'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		w.Write(out.Bytes())
	})
}

type view struct {
	Experiments []tracking.Experiment
	Current     *tracking.Experiment
	Columns     []string
	Runs        []runView
	Next        string
	Models      []modelView

	Viewer, FormToken string // see Viewer
	Nonce             string // of the script
	Live              bool   // the page follows what happens
}

type runView struct {
	*tracking.Run
	Figures []string
	Learner string
}

type modelView struct {
	*registry.Model
	Versions []versionView
}

type versionView struct {
	*registry.Version
	Alias   string
	Learner string
	AUC     string
}

func load(ctx context.Context, runs Records, models Models, id, token string) (*view, error) {
	v := &view{Columns: columns}
	var err error
	if v.Experiments, _, err = runs.SearchExperiments(ctx, tracking.Search{Limit: maxExperiments}); err != nil {
		return nil, err
	}
	for i, e := range v.Experiments {
		if e.ID == id || id == "" && v.Current == nil {
			v.Current = &v.Experiments[i]
		}
	}
	if v.Current == nil && id != "" {
		return nil, fmt.Errorf("there is no experiment %q", id)
	}
	if v.Current != nil {
		list, next, err := runs.SearchRuns(ctx, tracking.Search{ExperimentIDs: []string{v.Current.ID}, Limit: runsPerPage, Token: token})
		if err != nil {
			return nil, err
		}
		v.Next = next
		for _, r := range list {
			v.Runs = append(v.Runs, newRunView(r))
		}
	}
	return v, v.loadModels(ctx, models)
}

func (v *view) loadModels(ctx context.Context, models Models) error {
	list, _, err := models.SearchModels(ctx, registry.Search{Limit: maxModels})
	if err != nil {
		return err
	}
	for _, m := range list {
		mv := modelView{Model: m}
		filter := "name = '" + strings.ReplaceAll(m.Name, "'", "''") + "'"
		versions, _, err := models.SearchVersions(ctx, registry.Search{Filter: filter, OrderBy: []string{"version_number DESC"}, Limit: 20})
		if err != nil {
			return err
		}
		for _, ver := range versions {
			mv.Versions = append(mv.Versions, newVersionView(ver))
		}
		v.Models = append(v.Models, mv)
	}
	return nil
}

func newVersionView(ver *registry.Version) versionView {
	out := versionView{Version: ver, Alias: strings.Join(ver.Aliases, ", ")}
	for _, t := range ver.Tags {
		switch t.Key {
		case "drivecast.learner":
			out.Learner = t.Value
		case "drivecast.metric.roc_auc":
			out.AUC = t.Value[:min(6, len(t.Value))]
		}
	}
	return out
}

func newRunView(r *tracking.Run) runView {
	out := runView{Run: r, Figures: make([]string, len(columns))}
	for _, m := range r.Metrics {
		if i := slices.Index(columns, m.Key); i >= 0 && !math.IsNaN(m.Value) {
			out.Figures[i] = fmt.Sprintf("%.4f", m.Value)
		}
	}
	for _, t := range r.Tags {
		if t.Key == "estimator_name" {
			out.Learner = t.Value
		}
	}
	return out
}

func when(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05")
}

func took(start, end int64) string {
	if start == 0 || end == 0 {
		return ""
	}
	return (time.Duration(end-start) * time.Millisecond).Round(10 * time.Millisecond).String()
}
