package model_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/model"
)

// publishedModel is the folder of the model that was published as version 2.
func publishedModel(b *testing.B) string {
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		b.Skip("DRIVE_DATA is not set: no published model")
	}
	return filepath.Join(dir, "seed", "models", "v2")
}

func BenchmarkOpenPublished(b *testing.B) {
	path := publishedModel(b)
	for b.Loop() {
		if _, err := model.Open(context.Background(), path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExplainPublished(b *testing.B) {
	m, err := model.Open(context.Background(), publishedModel(b))
	if err != nil {
		b.Fatal(err)
	}
	s, err := m.Shapley(model.Explaining{})
	if err != nil {
		b.Fatal(err)
	}
	dst, rows := make([]float64, 3), []float64{1, 0.251, 23, 0.53, 0.006, 17, 0.36, 0.149, 39}
	i := 0
	for b.Loop() {
		s.Explain(dst, rows[i%3*3:i%3*3+3])
		i++
	}
}
