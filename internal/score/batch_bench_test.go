package score_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/model"
)

// BenchmarkTenThousandRows asks the published model in JSON and in CSV.
func BenchmarkTenThousandRows(b *testing.B) {
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		b.Skip("DRIVE_DATA is not set: no published model")
	}
	m, err := model.Open(context.Background(), filepath.Join(dir, "seed", "models", "v2"))
	if err != nil {
		b.Fatal(err)
	}
	var json, csv strings.Builder
	json.WriteString(`{"dataframe_split": {"columns": ["capacity_bytes", "lifetime", "model_encoded"], "data": [`)
	csv.WriteString("capacity_bytes,lifetime,model_encoded\n")
	for i := range 10_000 {
		if i > 0 {
			json.WriteString(", ")
		}
		fmt.Fprintf(&json, "[%d.0, %d.0, %d.0]", 1_000_000_000_000+i*37_000_000, i%60_000, i%50)
		fmt.Fprintf(&csv, "%d.0,%d.0,%d.0\n", 1_000_000_000_000+i*37_000_000, i%60_000, i%50)
	}
	json.WriteString("]}}")
	h := handler(b, m, score.Config{})
	for name, body := range map[string]string{"application/json": json.String(), "text/csv": csv.String()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if w := post(h, "/invocations", name, body); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
