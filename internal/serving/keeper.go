package serving

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drivecast/drivecast/internal/score"
)

// keeper keeps the served models what their URIs stand for: it looks after each
// from time to time and exchanges it when an alias has moved. A model that cannot
// be taken over leaves the old one serving; the log, /readyz and the metrics say
// so.
type keeper struct {
	env      Env
	handler  *score.Handler
	logger   *slog.Logger
	tracking string
	files    bool // changed files are taken over too
	models   []*kept
	loads    *prometheus.CounterVec
}

// kept is a model that is looked after.
type kept struct {
	name    string
	served  origin
	seen    string // mark of the last look
	refused string // mark of what could not be taken over
	problem string
}

func newKeeper(e Env, tracking string, files bool, logger *slog.Logger) *keeper {
	return &keeper{env: e, tracking: tracking, files: files, logger: logger, loads: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "drivecast_model_loads_total", Help: "Models that were taken over after the start, or could not be, by name and outcome.",
	}, []string{"model", "outcome"})}
}

// run looks after the models until ctx ends.
func (k *keeper) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range k.models {
			k.look(ctx, m)
		}
	}
}

// look exchanges one model if it should be.
func (k *keeper) look(ctx context.Context, m *kept) {
	if m.served.mark == "" {
		return
	}
	now, err := k.env.origin(ctx, m.served.uri, k.tracking)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		k.say(m, fmt.Sprintf("the model cannot be looked up: %v", err))
		return
	}
	last := m.seen
	m.seen = now.mark
	switch {
	case now.mark == m.served.mark:
		m.refused = ""
		k.say(m, "")
	case now.mark == m.refused:
	case now.file && !k.files:
		k.say(m, "the files of the model changed; the model that was read at the start keeps serving until the server starts again (--reload-files takes changed files over)")
	case now.file && now.mark != last:
		k.say(m, "the files of the model are changing")
	default:
		k.exchange(ctx, m, now)
	}
}

// exchange opens the model and puts it in the old one's place.
func (k *keeper) exchange(ctx context.Context, m *kept, now origin) {
	found, err := k.env.openOrigin(ctx, now, k.tracking)
	if ctx.Err() != nil {
		return
	}
	if err == nil && now.file {
		if again, e := k.env.origin(ctx, now.uri, k.tracking); e != nil || again.mark != now.mark {
			return // it changed while it was read: the next look decides
		}
	}
	if err == nil {
		err = k.handler.Put(m.name, now.version, found)
	}
	if err != nil {
		m.refused = now.mark
		k.loads.WithLabelValues(m.name, "failed").Inc()
		k.say(m, fmt.Sprintf("the new model was not taken over: %v", err))
		return
	}
	m.served, m.refused, m.problem = now, "", ""
	k.loads.WithLabelValues(m.name, "ok").Inc()
	fmt.Fprintf(k.env.Stderr, "serving %s (%s) as %s\n", now.pinned, found.Format, m.name)
}

// say tells what is amiss with a model, once.
func (k *keeper) say(m *kept, problem string) {
	if problem == m.problem {
		return
	}
	m.problem = problem
	k.handler.Fault(m.name, problem)
	if problem == "" {
		k.logger.Warn("the model is again the one that is served", "model", m.name, "source", m.served.uri)
		return
	}
	k.logger.Warn("the old model keeps serving", "model", m.name, "source", m.served.uri, "problem", problem)
}

var (
	infoDesc  = prometheus.NewDesc("drivecast_model_info", "Always 1; the labels say which models are served.", []string{"model", "version", "format"}, nil)
	staleDesc = prometheus.NewDesc("drivecast_model_stale", "1 while an old model serves because the newer one could not be taken over.", []string{"model"}, nil)
)

// Describe names the measures of the models.
func (k *keeper) Describe(to chan<- *prometheus.Desc) {
	k.loads.Describe(to)
	to <- infoDesc
	to <- staleDesc
}

// Collect measures the models.
func (k *keeper) Collect(to chan<- prometheus.Metric) {
	k.loads.Collect(to)
	for _, s := range k.handler.Status() {
		stale := 0.0
		if s.Problem != "" {
			stale = 1
		}
		to <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, s.Name, s.Version, s.Format)
		to <- prometheus.MustNewConstMetric(staleDesc, prometheus.GaugeValue, stale, s.Name)
	}
}
