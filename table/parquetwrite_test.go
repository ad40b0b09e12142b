package table

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteParquet(t *testing.T) {
	n := groupRows + 10
	z := &Column{Name: "z", Kind: Number, Floats: make([]float64, n)}
	a := &Column{Name: "a", Kind: Text, Texts: make([]string, n)}
	m := &Column{Name: "m", Kind: Number, Floats: make([]float64, n)}
	for i := range n {
		z.Floats[i], a.Texts[i], m.Floats[i] = float64(i)/3, fmt.Sprintf("0%d, \"%d", i, i), math.NaN()
	}
	a.Texts[5], z.Floats[6] = "", math.NaN()
	tab, err := New(z, a, m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.parquet")
	if err := Write(path, tab); err != nil {
		t.Fatal(err)
	}
	back, err := ReadFile(context.Background(), path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(back.Names()); got != "[z a m]" || back.Rows() != n {
		t.Fatalf("%s, %d rows", got, back.Rows())
	}
	for i := range n {
		x, y := z.Floats[i], back.Column("z").Floats[i]
		if x != y && !(math.IsNaN(x) && math.IsNaN(y)) || a.Texts[i] != back.Column("a").Texts[i] || !math.IsNaN(back.Column("m").Floats[i]) {
			t.Fatalf("row %d: %v %q %v", i, y, back.Column("a").Texts[i], back.Column("m").Floats[i])
		}
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := EncodeParquet(&again, tab); err != nil || !bytes.Equal(first, again.Bytes()) {
		t.Errorf("the same table makes other bytes: %v", err)
	}
	if err := EncodeParquet(&again, &Table{}); err == nil {
		t.Error("a table without columns is written")
	}
}

// BenchmarkParquet reads rows of four columns that WriteParquet wrote.
func BenchmarkParquet(b *testing.B) {
	const n = 200_000
	var cols []*Column
	for k := range 4 {
		c := &Column{Name: fmt.Sprint("c", k), Kind: Number, Floats: make([]float64, n)}
		for i := range n {
			c.Floats[i] = float64(i * k % 1000)
		}
		cols = append(cols, c)
	}
	tab, err := New(cols...)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "t.parquet")
	if err := Write(path, tab); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ReadFile(context.Background(), path, ReadOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
