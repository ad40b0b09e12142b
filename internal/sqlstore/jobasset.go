package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"

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
	err := s.d.Update(ctx, func(t *Tx) error {
		if _, err := t.Exec(`DELETE FROM job_assets WHERE kind = ? AND name = ? AND version = ?`, string(a.Kind), a.Name, a.Version); err != nil {
			return err
		}
		_, err := t.Exec(`INSERT INTO job_assets (`+assetColumns+`) VALUES (?, ?, ?, ?, ?)`, string(a.Kind), a.Name, a.Version, string(a.Spec), toMilli(a.Created))
		return err
	})
	return errs.Wrap(err, "register %s %s", a.Kind, a.Name)
}

// Asset is described at job.Catalog.
func (s *Jobs) Asset(ctx context.Context, k job.Kind, name, version string) (job.Asset, error) {
	query, args := `SELECT `+assetColumns+` FROM job_assets WHERE kind = ? AND name = ?`, []any{string(k), name}
	if version != "" && version != "latest" {
		query, args = query+` AND version = ?`, append(args, version)
	}
	list, err := s.assets(ctx, query+` ORDER BY seq DESC LIMIT 1`, args)
	if err == nil && len(list) == 0 {
		return job.Asset{}, errs.New(errs.NotFound, "no %s is named %s", k, name)
	}
	if err != nil {
		return job.Asset{}, errs.Wrap(err, "read %s %s", k, name)
	}
	return list[0], nil
}

// Assets is described at job.Catalog.
func (s *Jobs) Assets(ctx context.Context, k job.Kind) ([]job.Asset, error) {
	list, err := s.assets(ctx, `SELECT `+assetColumns+` FROM job_assets WHERE kind = ? ORDER BY name, seq DESC`, []any{string(k)})
	return list, errs.Wrap(err, "list every %s", k)
}

func (s *Jobs) assets(ctx context.Context, query string, args []any) ([]job.Asset, error) {
	out := []job.Asset{}
	err := s.d.View(ctx, func(t *Tx) error {
		return t.each(query, args, func(rows *sql.Rows) error {
			a, err := scanAsset(rows.Scan)
			out = append(out, a)
			return err
		})
	})
	return out, err
}

// Drop is described at job.Catalog.
func (s *Jobs) Drop(ctx context.Context, k job.Kind, name string) error {
	err := s.d.Update(ctx, func(t *Tx) error {
		n, err := t.Exec(`DELETE FROM job_assets WHERE kind = ? AND name = ?`, string(k), name)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "no %s is named %s", k, name)
		}
		return err
	})
	return errs.Wrap(err, "remove %s %s", k, name)
}
