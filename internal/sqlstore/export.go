package sqlstore

import (
	"context"
	"regexp"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// exports are our records in the tables and columns of MLflow's databases; a
// column's name there is behind its AS. Parents come before children.
var exports = []struct{ table, query string }{
	{"experiments", `SELECT id AS experiment_id, name AS name, artifact_location AS artifact_location, stage AS lifecycle_stage, created AS creation_time, updated AS last_update_time FROM experiments ORDER BY id`},
	{"experiment_tags", `SELECT key AS key, value AS value, experiment AS experiment_id FROM experiment_tags`},
	{"runs", `SELECT uuid AS run_uuid, name AS name, 'UNKNOWN' AS source_type, '' AS source_name, '' AS entry_point_name, user_id AS user_id, status AS status, start_time AS start_time,
		NULLIF(end_time, 0) AS end_time, '' AS source_version, stage AS lifecycle_stage, artifact_uri AS artifact_uri, experiment AS experiment_id, NULLIF(deleted_time, 0) AS deleted_time FROM runs ORDER BY id`},
	{"tags", `SELECT t.key AS key, t.value AS value, r.uuid AS run_uuid FROM tags t JOIN runs r ON r.id = t.run`},
	{"params", `SELECT p.key AS key, p.value AS value, r.uuid AS run_uuid FROM params p JOIN runs r ON r.id = p.run`},
	{"metrics", `SELECT k.key AS key, m.value AS value, m.time AS timestamp, r.uuid AS run_uuid, m.step AS step, m.nan AS is_nan FROM metrics m JOIN metric_keys k ON k.id = m.metric JOIN runs r ON r.id = m.run ORDER BY m.run, m.metric, m.time, m.step`},
	{"latest_metrics", `SELECT k.key AS key, m.value AS value, m.time AS timestamp, m.step AS step, m.nan AS is_nan, r.uuid AS run_uuid FROM latest_metrics m JOIN metric_keys k ON k.id = m.metric JOIN runs r ON r.id = m.run`},
	{"datasets", `SELECT 'dataset-' || CAST(id AS TEXT) AS dataset_uuid, experiment AS experiment_id, name AS name, digest AS digest, source_type AS dataset_source_type, source AS dataset_source,
		schema AS dataset_schema, profile AS dataset_profile FROM datasets`},
	{"inputs", `SELECT 'input-' || CAST(i.id AS TEXT) AS input_uuid, 'DATASET' AS source_type, 'dataset-' || CAST(i.dataset AS TEXT) AS source_id, 'RUN' AS destination_type, r.uuid AS destination_id FROM inputs i JOIN runs r ON r.id = i.run`},
	{"input_tags", `SELECT 'input-' || CAST(input AS TEXT) AS input_uuid, key AS name, value AS value FROM input_tags`},
	{"logged_models", `SELECT model_id AS model_id, experiment AS experiment_id, name AS name, artifact_uri AS artifact_location, created AS creation_timestamp_ms, updated AS last_updated_timestamp_ms,
		CASE status WHEN 'LOGGED_MODEL_READY' THEN 2 WHEN 'LOGGED_MODEL_UPLOAD_FAILED' THEN 3 ELSE 1 END AS status, stage AS lifecycle_stage, type AS model_type, NULLIF(source_run, '') AS source_run_id, NULLIF(status_message, '') AS status_message FROM logged_models ORDER BY id`},
	{"logged_model_params", `SELECT l.model_id AS model_id, l.experiment AS experiment_id, p.key AS param_key, p.value AS param_value FROM logged_model_params p JOIN logged_models l ON l.id = p.model`},
	{"logged_model_tags", `SELECT l.model_id AS model_id, l.experiment AS experiment_id, t.key AS tag_key, t.value AS tag_value FROM logged_model_tags t JOIN logged_models l ON l.id = t.model`},
	{"logged_model_metrics", `SELECT l.model_id AS model_id, k.key AS metric_name, g.time AS metric_timestamp_ms, g.step AS metric_step, g.value AS metric_value, l.experiment AS experiment_id, r.uuid AS run_id,
		NULLIF(g.dataset_name, '') AS dataset_name, NULLIF(g.dataset_digest, '') AS dataset_digest FROM logged_model_metrics g JOIN logged_models l ON l.id = g.model JOIN metric_keys k ON k.id = g.metric JOIN runs r ON r.id = g.run WHERE g.nan = 0`},
	{"inputs", `SELECT m.direction || '-' || CAST(m.run AS TEXT) || '-' || m.model_id AS input_uuid, CASE m.direction WHEN 'in' THEN 'RUN_INPUT' ELSE 'RUN_OUTPUT' END AS source_type, r.uuid AS source_id,
		CASE m.direction WHEN 'in' THEN 'MODEL_INPUT' ELSE 'MODEL_OUTPUT' END AS destination_type, m.model_id AS destination_id, m.step AS step FROM run_models m JOIN runs r ON r.id = m.run`},
	{"registered_models", `SELECT name AS name, created AS creation_time, updated AS last_updated_time, description AS description FROM registered_models ORDER BY id`},
	{"registered_model_tags", `SELECT t.key AS key, t.value AS value, m.name AS name FROM registered_model_tags t JOIN registered_models m ON m.id = t.model`},
	{"model_versions", `SELECT m.name AS name, v.version AS version, v.created AS creation_time, v.updated AS last_updated_time, v.description AS description, NULLIF(v.user_id, '') AS user_id, v.stage AS current_stage,
		v.source AS source, v.run_id AS run_id, v.status AS status, NULLIF(v.status_message, '') AS status_message, v.run_link AS run_link, v.storage AS storage_location FROM model_versions v JOIN registered_models m ON m.id = v.model ORDER BY v.id`},
	// MLflow keeps the numbers of deleted versions by rows that say so.
	{"model_versions", `SELECT m.name AS name, m.last_version AS version, m.created AS creation_time, m.updated AS last_updated_time, 'Deleted_Internal' AS current_stage, 'REDACTED-SOURCE-PATH' AS source,
		'REDACTED-RUN-ID' AS run_id, 'READY' AS status, 'REDACTED-RUN-LINK' AS run_link FROM registered_models m WHERE m.last_version > COALESCE((SELECT MAX(v.version) FROM model_versions v WHERE v.model = m.id), 0)`},
	{"model_version_tags", `SELECT t.key AS key, t.value AS value, m.name AS name, v.version AS version FROM model_version_tags t JOIN model_versions v ON v.id = t.version JOIN registered_models m ON m.id = v.model`},
	{"registered_model_aliases", `SELECT a.alias AS alias, a.version AS version, m.name AS name FROM model_aliases a JOIN registered_models m ON m.id = a.model`},
}

var aliasInExport = regexp.MustCompile(` AS (\w+)(,| FROM)`)

// ExportRow is called for every record with the table and the columns of MLflow's
// databases that it goes to; the values are overwritten by the next.
type ExportRow func(table string, columns []string, values []any) error

// Export calls row for every record of one state of the database, in the form of
// MLflow's databases.
func (d *DB) Export(ctx context.Context, row ExportRow) error {
	return d.View(ctx, func(t *Tx) error {
		for _, e := range exports {
			if err := t.export(e.table, e.query, row); err != nil {
				return errs.Wrap(err, "export %s", e.table)
			}
		}
		return nil
	})
}

func (t *Tx) export(table, query string, row ExportRow) error {
	var columns []string
	for _, m := range aliasInExport.FindAllStringSubmatch(query, -1) {
		columns = append(columns, m[1])
	}
	for _, c := range columns {
		query = strings.Replace(query, " AS "+c, ` AS "`+c+`"`, 1)
	}
	rows, err := t.tx.QueryContext(t.ctx, query)
	if err != nil {
		return t.db.dialect.fault(err)
	}
	defer rows.Close()
	values, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := row(table, columns, values); err != nil {
			return err
		}
	}
	return t.db.dialect.fault(rows.Err())
}
