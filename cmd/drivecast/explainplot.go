package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/chart"
	"github.com/drivecast/drivecast/table"
)

// plotOrder is a picture that was asked for: KIND=FILE.
type plotOrder struct {
	kind, column, file string
}

const plotKinds = "importances, beeswarm, dependence:COLUMN or waterfall"

// plotOrders reads the values of --plot.
func plotOrders(args []string, row int) ([]plotOrder, error) {
	var out []plotOrder
	for _, arg := range args {
		i := strings.LastIndex(arg, "=") // a column's name may have one
		if i < 0 {
			return nil, errs.New(errs.Usage, "--plot %s: write KIND=FILE, KIND being %s", arg, plotKinds)
		}
		p := plotOrder{file: arg[i+1:]}
		p.kind, p.column, _ = strings.Cut(arg[:i], ":")
		switch {
		case !slices.Contains([]string{"importances", "beeswarm", "dependence", "waterfall"}, p.kind) || (p.kind == "dependence") != (p.column != ""):
			return nil, errs.New(errs.Usage, "--plot %s: %q is none of %s", arg, arg[:i], plotKinds)
		case !slices.Contains([]string{".svg", ".png"}, strings.ToLower(filepath.Ext(p.file))):
			return nil, errs.New(errs.Usage, "--plot %s: the file must end in .svg or .png", arg)
		case p.kind == "waterfall" && row == 0:
			return nil, errs.New(errs.Usage, "--plot %s needs --row, since it shows one row", arg)
		}
		out = append(out, p)
	}
	return out, nil
}

// plot draws the pictures.
func (e *explained) plot(orders []plotOrder, row int) error {
	c := &chart.Explained{Names: e.names, Space: e.shapley.Space(), X: e.x, Given: e.given, Bases: e.bases}
	for _, o := range orders {
		var p *chart.Picture
		var err error
		switch o.kind {
		case "importances":
			p, err = c.Importances()
		case "beeswarm":
			p, err = c.Beeswarm()
		case "dependence":
			j := slices.Index(e.names, o.column)
			if j < 0 {
				return errs.New(errs.Usage, "--plot dependence:%s: the model has no such column; it has %s", o.column, strings.Join(e.names, ", "))
			}
			p, err = c.Dependence(j)
		case "waterfall":
			texts := make([]string, len(e.names))
			for j := range texts {
				texts[j] = e.textOf(j, row-1)
				if v, err := strconv.ParseFloat(texts[j], 64); err == nil && len(texts[j]) > 8 {
					texts[j] = strconv.FormatFloat(v, 'g', 5, 64)
				}
			}
			h := newHistory(e.t, row-1)
			p, err = c.Waterfall(row-1, texts, "Why "+rowTitle(row, h.serial, h.day)+" is answered as it is")
		}
		if err != nil {
			return err
		}
		write := p.SVG
		if strings.EqualFold(filepath.Ext(o.file), ".png") {
			write = p.PNG
		}
		if err := table.WriteFile(o.file, write); err != nil {
			return err
		}
	}
	return nil
}

// textOf is a column's value in a row, counted from 0, as the file has it.
func (e *explained) textOf(j, r int) string {
	text := string(table.AppendNumber(nil, e.x[r*len(e.names)+j]))
	if c := e.t.Column(e.names[j]); c != nil {
		text = c.TextAt(r)
	}
	if text == "" {
		text = "missing"
	}
	return text
}
