package jobtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

var _ job.Catalog = (*Memory)(nil)

// Put is described at job.Catalog.
func (m *Memory) Put(_ context.Context, a job.Asset) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.assets = append(slices.DeleteFunc(m.assets, func(x job.Asset) bool {
		return x.Kind == a.Kind && x.Name == a.Name && x.Version == a.Version
	}), a)
	return nil
}

// Asset is described at job.Catalog.
func (m *Memory) Asset(_ context.Context, k job.Kind, name, version string) (job.Asset, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.assets) - 1; i >= 0; i-- {
		a := m.assets[i]
		if a.Kind == k && a.Name == name && (version == "" || version == "latest" || version == a.Version) {
			return a, nil
		}
	}
	return job.Asset{}, errs.New(errs.NotFound, "no %s is named %s", k, name)
}

// Assets is described at job.Catalog.
func (m *Memory) Assets(_ context.Context, k job.Kind) ([]job.Asset, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []job.Asset{}
	for _, a := range slices.Backward(m.assets) {
		if a.Kind == k {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b job.Asset) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Drop is described at job.Catalog.
func (m *Memory) Drop(_ context.Context, k job.Kind, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.assets)
	m.assets = slices.DeleteFunc(m.assets, func(a job.Asset) bool { return a.Kind == k && a.Name == name })
	if len(m.assets) == n {
		return errs.New(errs.NotFound, "no %s is named %s", k, name)
	}
	return nil
}
