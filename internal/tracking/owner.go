package tracking

import (
	"context"
	"sync"
)

// owners remembers which experiment runs belong to: that never changes.
type owners struct {
	mu sync.RWMutex
	of map[string]string
}

// maxOwners bounds how many runs are remembered, at about 100 bytes each.
const maxOwners = 50_000

func (o *owners) get(run string) string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.of[run]
}

func (o *owners) put(run, experiment string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil || len(o.of) >= maxOwners {
		o.of = map[string]string{}
	}
	o.of[run] = experiment
}

// ExperimentOf returns the id of a run's experiment.
func (s *Service) ExperimentOf(ctx context.Context, runID string) (string, error) {
	if id := s.owners.get(runID); id != "" {
		return id, nil
	}
	info, err := s.RunInfo(ctx, runID)
	if err != nil {
		return "", err
	}
	s.owners.put(runID, info.ExperimentID)
	return info.ExperimentID, nil
}

// ExperimentsAt returns the ids of the experiments that keep their files at one
// of the locations, in no order.
func (s *Service) ExperimentsAt(ctx context.Context, locations []string) ([]string, error) {
	return s.store.ExperimentsAt(ctx, locations)
}
