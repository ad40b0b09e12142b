package feature_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

// saved returns a state and the fold it was made of.
func saved(t testing.TB, days []*smart.Day) ([]byte, *feature.Fold) {
	t.Helper()
	f := newFold(t, attributes)
	var rows feature.Rows
	for _, d := range days {
		f.Day(d, attributes, &rows, nil)
	}
	var state bytes.Buffer
	if err := f.Save(&state); err != nil {
		t.Fatal(err)
	}
	return state.Bytes(), f
}

func TestLoadFoldRefusesDamage(t *testing.T) {
	good, _ := saved(t, randomFleet(1, 10))
	for _, cut := range []int{0, 5, 17, 20, len(good) / 2, len(good) - 1} {
		if _, err := feature.LoadFold(bytes.NewReader(good[:cut])); !errs.Is(err, errs.Invalid) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if _, err := feature.LoadFold(bytes.NewReader(append(slices.Clone(good), 0))); !errs.Is(err, errs.Invalid) {
		t.Errorf("a byte too many: %v", err)
	}
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1
		if _, err := feature.LoadFold(bytes.NewReader(bad)); err == nil {
			t.Fatalf("a changed byte at %d was not noticed", at)
		}
	}
	other := append([]byte("drivecast fold 1\n"), good[17:]...)
	if _, err := feature.LoadFold(bytes.NewReader(other)); !errs.Is(err, errs.Unsupported) {
		t.Errorf("another version: %v", err)
	}
}

// TestSaveOfManyDrives has more drives than go into one block. The state of a
// loaded history is that of the one it was made of, byte for byte, also after it
// went on.
func TestSaveOfManyDrives(t *testing.T) {
	var days []*smart.Day
	for d := range 40 {
		day := &smart.Day{Date: smart.Date(2000 + d)}
		for i := range 5000 {
			day.Readings = append(day.Readings, smart.Reading{Serial: fmt.Sprint("S", i), Model: fmt.Sprint("M", i%7), Day: day.Date,
				CapacityBytes: 4e12, Values: []float64{float64(i % 5 / 4 * d), float64(24 * d), float64(d * i), 25 + float64(d*i%9)/3}})
		}
		days = append(days, day)
	}
	first, f := saved(t, days[:30])
	g, err := feature.LoadFold(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(days[29:], days[0]) { // one known, ten new, one long past
		var a, b feature.Rows
		f.Day(d, attributes, &a, nil)
		g.Day(d, attributes, &b, nil)
		if !sameBits(a.X, b.X) {
			t.Fatalf("vectors of day %d differ", d.Date)
		}
	}
	if f.Stats() != g.Stats() {
		t.Errorf("counts differ: %+v and %+v", f.Stats(), g.Stats())
	}
	var one, two bytes.Buffer
	if f.Save(&one) != nil || g.Save(&two) != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the states differ")
	}
}

func TestStateFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.state")
	_, f := saved(t, randomFleet(2, 20))
	if err := f.SaveFile(path); err != nil {
		t.Fatal(err)
	}
	g, err := feature.LoadFile(path, f.Spec())
	if err != nil || g.Stats() != f.Stats() || g.Today() != f.Today() {
		t.Fatalf("got %+v, %v", g, err)
	}
	if day, err := feature.LastDay(path); err != nil || day != f.Today() {
		t.Errorf("the last day is %v, %v; want %v", day, err, f.Today())
	}
	for _, c := range []struct {
		wanted []smart.Attribute
		text   string
	}{
		{append(slices.Clone(attributes), smart.Raw(197)), "it lacks smart_197_raw"},
		{attributes[1:], "it has smart_5_raw"},
		{[]smart.Attribute{smart.Raw(9), smart.Raw(5), smart.Raw(193), smart.Raw(194)}, "another order"},
	} {
		if _, err := feature.LoadFile(path, feature.NewSpec(c.wanted)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("want %q, got %v", c.text, err)
		}
	}
	short := f.Spec()
	short.Memory = 7
	if _, err := feature.LoadFile(path, short); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "30 days back where 7") {
		t.Error(err)
	}
	if _, err := feature.LoadFile(path+"x", f.Spec()); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("date,serial_number\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := feature.LoadFile(path, f.Spec()); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

// FuzzLoadFold gives states whose check sums are right.
func FuzzLoadFold(f *testing.F) {
	state, _ := saved(f, []*smart.Day{day(1, "a", "M", 0.0, 2400.0, 10.0, 30.0), day(2, "a", "M", 1.0, 2424.0, 12.5, 31.0, "b", "N", 0.0, nil, 1e15, 20.0),
		day(90, "a", "M", 300.0, 2448.0, 1e9, math.Copysign(0, -1))})
	const magic = len("drivecast fold 2\n")
	n := int(binary.LittleEndian.Uint32(state[magic:]))
	f.Add(state[magic+8:magic+8+n], state[magic+8+n+8:])
	f.Fuzz(func(t *testing.T, head, drives []byte) {
		in := slices.Clone(state[:magic])
		for _, text := range [][]byte{head, drives} {
			in = binary.LittleEndian.AppendUint32(in, uint32(len(text)))
			in = binary.LittleEndian.AppendUint32(in, crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
			in = append(in, text...)
		}
		got, err := feature.LoadFold(bytes.NewReader(in))
		if err != nil {
			return
		}
		var rows feature.Rows
		got.Day(day(91, "a", "M", 0.0, 2400.0, 10.0, 30.0), attributes, &rows, nil)
		var again bytes.Buffer
		if err := got.Save(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := feature.LoadFold(&again); err != nil {
			t.Fatalf("what was loaded and saved is refused: %v", err)
		}
	})
}

// TestLastDayRefusesDamage cuts a saved history inside its head and overwrites it.
func TestLastDayRefusesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.state")
	text, _ := saved(t, randomFleet(2, 20))
	for n := range 60 {
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if day, err := feature.LastDay(path); !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Unsupported) || day != smart.NoDate {
			t.Fatalf("the first %d bytes: %v, %v", n, day, err)
		}
	}
	for i := range 60 {
		broken := bytes.Clone(text)
		broken[i] ^= 4
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if day, err := feature.LastDay(path); err == nil {
			t.Fatalf("byte %d changed: %v", i, day)
		}
	}
}
