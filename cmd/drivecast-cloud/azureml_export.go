package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
	"github.com/drivecast/drivecast/internal/job/local"
)

// azuremlExport is the command job export.
func (a *app) azuremlExport() *cobra.Command {
	o, adf, out := azuremlCreate{}, false, ""
	c := &cobra.Command{
		Use:   "export --adf -f FILE",
		Short: "Write an Azure Data Factory pipeline that runs a job or schedule",
		Long: `export uploads what the job needs and writes a pipeline of Azure Data Factory that creates the job in Azure ML, waits for its
end, and fails unless it completed; for a schedule, its trigger, too. With --dry-run nothing is uploaded, and local paths stay in it.
With --out DIR they are written as a factory's repository keeps them: DIR/pipeline/NAME.json and DIR/trigger/NAME.json.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "file", "subscription", "resource-group", "workspace-name"); err != nil {
				return err
			}
			if !adf {
				return errs.New(errs.Usage, "job export writes one form; say --adf")
			}
			f, err := a.factory(c.Context(), o)
			if err != nil {
				return err
			}
			return a.printFactory(f, out)
		},
	}
	o.addTo(c)
	c.Flags().BoolVar(&adf, "adf", false, "write a pipeline of Azure Data Factory")
	c.Flags().StringVarP(&o.file, "file", "f", "", "YAML file of the job or schedule")
	c.Flags().StringArrayVar(&o.set, "set", nil, "replace a field, path=value; may be repeated")
	c.Flags().StringVarP(&o.jobName, "name", "n", "", "name of the pipeline (default the job's, or the file's)")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "upload nothing")
	c.Flags().StringVar(&out, "out", "", "folder to write to (default: print)")
	return c
}

// factory makes the pipeline, and the trigger of a schedule.
func (a *app) factory(ctx context.Context, o azuremlCreate) (f azureml.Factory, err error) {
	d, err := openWith(o.file, o.set)
	if err != nil {
		return f, err
	}
	var s *sender
	var register azureml.Registrar
	if !o.dryRun {
		var done func()
		if s, done, err = a.sender(o.workspace); err != nil {
			return f, err
		}
		defer done()
		s.dir = d.Dir
		register = func(spec map[string]any) (string, error) { return s.component(ctx, spec) }
	}
	write, definition := azureml.JobRegistering, azureml.Body{}
	if d.Kind == job.KindSchedule {
		write = azureml.Schedule
	}
	body, warnings, err := write(d, register)
	if err != nil {
		return f, err
	}
	local.PrintWarnings(a.stderr, o.file, warnings)
	if definition = body; d.Kind == job.KindSchedule {
		definition = body.Definition()
	}
	if s != nil {
		s.dir = body.Dir
		if err := s.fill(ctx, definition); err != nil {
			return f, err
		}
	}
	file := filepath.Base(o.file)
	name := cmp.Or(o.jobName, body.Name, file[:len(file)-len(filepath.Ext(file))])
	at := azure.Workspace{Subscription: o.subscription, Group: o.group, Name: o.workspace.name}
	if f.Pipeline, err = azureml.DataFactory(name, at.Path(), definition); err != nil || d.Kind != job.KindSchedule {
		return f, err
	}
	f.Trigger, err = azureml.FactoryTrigger(name, f.Pipeline["name"].(string), body, time.Now())
	return f, err
}

// printFactory prints the pipeline, or pipeline and trigger, or writes them to a folder.
func (a *app) printFactory(f azureml.Factory, dir string) error {
	if dir == "" {
		var v any = f.Pipeline
		if f.Trigger != nil {
			v = f
		}
		text, err := json.Marshal(v)
		if err != nil {
			return errs.Wrap(err, "write the pipeline")
		}
		return a.printJSON(text)
	}
	for kind, v := range map[string]map[string]any{"pipeline": f.Pipeline, "trigger": f.Trigger} {
		if v == nil {
			continue
		}
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return errs.Wrap(err, "write the %s", kind)
		}
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o755); err != nil {
			return errs.Wrap(err, "write the %s", kind)
		}
		target := filepath.Join(dir, kind, v["name"].(string)+".json")
		if err := os.WriteFile(target+".new", append(text, '\n'), 0o644); err != nil {
			return errs.Wrap(err, "write the %s", kind)
		}
		if err := os.Rename(target+".new", target); err != nil {
			return errs.Wrap(err, "write the %s", kind)
		}
	}
	return nil
}
