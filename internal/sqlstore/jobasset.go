package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

const assetColumns = `kind, name, version, spec, created`

func scanAsset(scan func(...any) error) (job.Asset, error) {
	var a job.Asset
	var spec string
	var created int64
	err := scan(&a.Kind, &a.Name, &a.Version, &spec, &created)
	a.Spec, a.Created = json.RawMessage(spec), fromMilli(created)
	return a, err
}

// Put is described at job.Catalog.
func (s *Jobs) Put(ctx context.Context, a job.Asset) error {
	_, err := s.write.ExecContext(ctx, `INSERT OR REPLACE INTO job_assets (`+assetColumns+`) VALUES (?, ?, ?, ?, ?)`,
		a.Kind, a.Name, a.Version, string(a.Spec), toMilli(a.Created))
	return errs.Wrap(err, "register %s %s", a.Kind, a.Name)
}

// Asset is described at job.Catalog.
func (s *Jobs) Asset(ctx context.Context, k job.Kind, name, version string) (job.Asset, error) {
	a, err := scanAsset(s.read.QueryRowContext(ctx, `SELECT `+assetColumns+` FROM job_assets
		WHERE kind = ? AND name = ? AND (? IN ('', 'latest') OR version = ?) ORDER BY seq DESC LIMIT 1`, k, name, version, version).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return job.Asset{}, errs.New(errs.NotFound, "no %s is named %s", k, name)
	}
	return a, errs.Wrap(err, "read %s %s", k, name)
}

// Assets is described at job.Catalog.
func (s *Jobs) Assets(ctx context.Context, k job.Kind) ([]job.Asset, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+assetColumns+` FROM job_assets WHERE kind = ? ORDER BY name, seq DESC`, k)
	if err != nil {
		return nil, errs.Wrap(err, "list every %s", k)
	}
	defer rows.Close()
	out := []job.Asset{}
	for rows.Next() {
		a, err := scanAsset(rows.Scan)
		if err != nil {
			return nil, errs.Wrap(err, "list every %s", k)
		}
		out = append(out, a)
	}
	return out, errs.Wrap(rows.Err(), "list every %s", k)
}

// Drop is described at job.Catalog.
func (s *Jobs) Drop(ctx context.Context, k job.Kind, name string) error {
	done, err := s.write.ExecContext(ctx, `DELETE FROM job_assets WHERE kind = ? AND name = ?`, k, name)
	if err != nil {
		return errs.Wrap(err, "remove %s %s", k, name)
	}
	if n, err := done.RowsAffected(); err != nil || n > 0 {
		return errs.Wrap(err, "remove %s %s", k, name)
	}
	return errs.New(errs.NotFound, "no %s is named %s", k, name)
}
