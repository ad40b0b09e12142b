package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/job"
)

func (a *app) jobSchema() *cobra.Command {
	dir := ""
	c := &cobra.Command{
		Use: "schema (KIND | --dir DIR)", Short: "Write JSON Schemas of the YAML files, for editors",
		Long: `schema prints the JSON Schema of one kind of file (commandJob, pipelineJob, …), or writes
those of all kinds into a folder as KIND.schema.json.`,
		RunE: func(c *cobra.Command, args []string) error {
			if dir == "" {
				if err := cli.ExactArgs("KIND")(c, args); err != nil {
					return err
				}
				s, err := job.JSONSchema(job.Kind(args[0]))
				if err != nil {
					return err
				}
				return a.printJSON(s)
			}
			if err := cli.NoArgs(c, args); err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return errs.Wrap(err, "make %s", dir)
			}
			for _, k := range job.Kinds() {
				if err := writeSchema(dir, k); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder to write the schemas of all kinds to")
	return c
}

func writeSchema(dir string, k job.Kind) error {
	s, err := job.JSONSchema(k)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return errs.Wrap(err, "write the schema of %s", k)
	}
	path := filepath.Join(dir, string(k)+".schema.json")
	return errs.Wrap(os.WriteFile(path, append(text, '\n'), 0o644), "write %s", path)
}
