package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

func (a *app) modelsConvert(tracking *string) *cobra.Command {
	var to, out, data string
	c := &cobra.Command{Use: "convert MODEL --to FORMAT --out PATH", Short: "Write a model in another format",
		Long: `Write a model in another format: mlflow (a folder that MLflow, Python and drivecast
open), drivecast (our own file), onnx, or lightgbm (a text model).

Before anything is kept, the new model is asked what the old one is asked: random rows,
values at and beside every threshold, missing values, infinities, zeros of either sign,
and the rows of --data. Answers must agree to 1e-12, or to 1e-6 where a format works in
float32; else nothing is written. MODEL is a folder, a file, or a URI as in predict -m.`,
		Args: cli.ExactArgs("MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.Required(c, "to", "out"); err != nil {
				return err
			}
			if to != "mlflow" && !slices.Contains(model.Conversions(), to) {
				return errs.New(errs.Usage, "--to is mlflow, %s; not %q", strings.Join(model.Conversions(), ", "), to)
			}
			m, err := a.env().Open(c.Context(), args[0], *tracking)
			if err != nil {
				return err
			}
			var rows []float64
			opt := model.SaveOptions{Created: a.now()}
			if data != "" {
				if opt.Example, rows, err = a.rowsOf(c.Context(), m, data); err != nil {
					return err
				}
			}
			if err := convert(m, to, out, rows, opt); err != nil {
				return errs.Wrap(err, "convert %s to %s", args[0], to)
			}
			fmt.Fprintln(a.stdout, out)
			return nil
		}}
	c.Flags().StringVar(&to, "to", "", "mlflow, "+strings.Join(model.Conversions(), ", ")+" (required)")
	c.Flags().StringVar(&out, "out", "", "folder (mlflow) or file to write (required)")
	c.Flags().StringVar(&data, "data", "", "CSV or Parquet file whose rows are compared too; the first five become the folder's input example")
	return c
}

func convert(m *model.Model, to, out string, rows []float64, opt model.SaveOptions) error {
	if to == "mlflow" {
		own, err := model.Portable(m)
		if err != nil {
			return err
		}
		if rows != nil {
			if err := model.Agree(m, own, rows, 1e-6); err != nil {
				return err
			}
		}
		return model.Save(out, own, opt)
	}
	content, err := model.Convert(m, to)
	if err != nil {
		return err
	}
	if rows != nil {
		again, err := model.Decode(content)
		if err != nil {
			return err
		}
		if err := model.Agree(m, again, rows, 1e-6); err != nil {
			return err
		}
	}
	return table.WriteFile(out, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
