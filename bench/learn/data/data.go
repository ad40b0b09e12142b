// Package data reads the files that the benchmark of learners shares between Go
// and Python: float64 matrices, column by column, and models as JSON.
package data

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"time"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Load reads the training rows (at most limit, 0 being all) and their targets,
// or with test the test rows.
func Load(dir string, limit int, test bool) (*table.Matrix, []float64, error) {
	suffix := ""
	if test {
		suffix = "t"
	}
	y, err := Floats(filepath.Join(dir, "y"+suffix+".bin"))
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(filepath.Join(dir, "x"+suffix+".bin"))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	n := len(y)
	cols := int(info.Size()) / 8 / n
	if limit == 0 || limit > n {
		limit = n
	}
	m, b := table.NewMatrix(limit, cols), make([]byte, 8*limit)
	for c := range cols {
		if _, err := f.ReadAt(b, int64(c*n*8)); err != nil {
			return nil, nil, err
		}
		col := m.Col(c)
		for i := range col {
			col[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
	return m, y[:limit], nil
}

// Floats reads a file of little-endian float64.
func Floats(path string) ([]float64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(b)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return out, nil
}

// Model is an exported ensemble.
type Model struct {
	Kind  string
	Base  float64
	Trees []struct {
		Left, Right, Feature     []int32
		Threshold, Weight, Value []float64
		Missing                  []bool
	}
}

// LoadModel reads a model that peers.py has exported.
func LoadModel(path string, columns int) (*Model, *kernel.Ensemble, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var m Model
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, err
	}
	how := map[string]kernel.Compare{"rf": kernel.LessEqual32, "lgb": kernel.LessEqual64, "xgb": kernel.Less32}
	e := &kernel.Ensemble{Features: columns, Compare: how[m.Kind], Outputs: len(m.Trees[0].Value) / len(m.Trees[0].Left)}
	for _, t := range m.Trees {
		e.Trees = append(e.Trees, kernel.Tree{
			Left: t.Left, Right: t.Right, Feature: t.Feature, Threshold: t.Threshold, MissingLeft: t.Missing, Cover: t.Weight, Value: t.Value,
		})
	}
	return &m, e, nil
}

// CPU returns the processor time this process has used.
func CPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// AUC is the area under the ROC curve of scores p for targets y in {0, 1}.
func AUC(y, p []float64) float64 {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return p[order[a]] < p[order[b]] })
	var ranks, pos float64
	for i := 0; i < len(order); {
		j := i
		for ; j < len(order) && p[order[j]] == p[order[i]]; j++ {
			if y[order[j]] > 0 {
				pos++
			}
		}
		for _, k := range order[i:j] {
			if y[k] > 0 {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	return (ranks - pos*(pos+1)/2) / (pos * (float64(len(y)) - pos))
}
