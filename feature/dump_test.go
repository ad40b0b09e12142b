package feature_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

func TestDump(t *testing.T) {
	dir, out := os.Getenv("DUMP_FROM"), os.Getenv("DUMP_TO")
	if dir == "" {
		t.Skip()
	}
	ctx := context.Background()
	t0 := time.Now()
	src, err := smart.Open(ctx, dir, smart.Options{})
	if err != nil {
		t.Fatal(err)
	}
	attrs, err := src.Filled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	open := func(a []smart.Attribute) (feature.Stream, error) {
		return smart.Open(ctx, dir, smart.Options{Attributes: a})
	}
	set, err := feature.Build(ctx, open, feature.Options{Spec: feature.NewSpec(attrs), Horizon: 7, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v %+v", time.Since(t0), set.Stats)
	w := func(name string, v any) {
		f, _ := os.Create(out + "/" + name)
		defer f.Close()
		if err := binary.Write(f, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	w("x.bin", set.X.Data)
	w("y.bin", set.Y)
	w("day.bin", set.Day)
	w("lead.bin", set.Lead)
	b, _ := json.Marshal(map[string]any{"names": set.X.Names, "rows": set.X.Rows, "cols": set.X.Cols})
	os.WriteFile(out+"/meta.json", b, 0o600)
	b, _ = json.Marshal(map[string]any{"serial": set.Serial, "model": set.Model})
	os.WriteFile(out+"/ids.json", b, 0o600)
}
