package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// example has two columns that matter, one with gaps, and a name that must be escaped.
func example(rows int) *Explained {
	r := rand.New(rand.NewPCG(1, 2))
	e := &Explained{Names: []string{"smart_5 <raw>", "age", "other"}, Space: "log-odds"}
	for range rows {
		a, b := r.Float64()*50, r.Float64()
		add := .02 * a * b
		if r.IntN(10) == 0 {
			a, add = math.NaN(), -.3
		}
		e.X = append(e.X, a, b, 3)
		e.Given = append(e.Given, add, b-.5, 0)
		e.Bases = append(e.Bases, -1)
	}
	return e
}

func pictures(t *testing.T, e *Explained) map[string]*Picture {
	t.Helper()
	out := map[string]*Picture{}
	keep := func(name string, p *Picture, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = p
	}
	p, err := e.Importances()
	keep("importances", p, err)
	p, err = e.Beeswarm()
	keep("beeswarm", p, err)
	p, err = e.Dependence(0)
	keep("dependence", p, err)
	p, err = e.Dependence(2)
	keep("dependence of a constant", p, err)
	p, err = e.Waterfall(0, []string{"1", "2", "3"}, "row 1")
	keep("waterfall", p, err)
	return out
}

func TestPicturesAreWholeAndTheSameAgain(t *testing.T) {
	for _, rows := range []int{1, 2, 2500} {
		again := pictures(t, example(rows))
		for name, p := range pictures(t, example(rows)) {
			var svg, pic, svg2, pic2 bytes.Buffer
			for _, err := range []error{p.SVG(&svg), p.PNG(&pic), again[name].SVG(&svg2), again[name].PNG(&pic2)} {
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if !bytes.Equal(svg.Bytes(), svg2.Bytes()) || !bytes.Equal(pic.Bytes(), pic2.Bytes()) {
				t.Errorf("%s of %d rows: other bytes the second time", name, rows)
			}
			if text := svg.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "http://") && strings.Count(text, "http://") > 1 {
				t.Errorf("%s of %d rows: a number that is none, or an outside resource", name, rows)
			}
			for d := xml.NewDecoder(&svg); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			img, err := png.Decode(&pic)
			if err != nil || img.Bounds().Dx() != 2*wide || img.Bounds().Dy() < 200 {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestWaterfallShowsWhatIsAdded looks for the colours of what adds and what takes.
func TestWaterfallShowsWhatIsAdded(t *testing.T) {
	e := &Explained{Names: []string{"a", "b"}, Space: "value", X: []float64{1, 2}, Given: []float64{2, -1}, Bases: []float64{0}}
	p, err := e.Waterfall(0, []string{"1", "2"}, "row")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.PNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Color]int{}
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			seen[Color{c.R, c.G, c.B}]++
		}
	}
	if adds, takes := seen[up], seen[down]; takes < 5000 || math.Abs(float64(adds)/float64(takes)-2) > .2 {
		t.Errorf("%d pixels add, %d take; twice as much is added", adds, takes)
	}
}

func TestTicksAreRoundAndFew(t *testing.T) {
	for _, a := range []axis{{0, 1, 0, 1}, {-3.2, 7.9, 0, 1}, {1e-7, 3e-7, 0, 1}, {1e9, 8e12, 0, 1}, {-.021, .0004, 0, 1}} {
		at, texts := a.ticks(6)
		if len(at) < 2 || len(at) > 7 {
			t.Errorf("%v: %v", a, texts)
		}
		for i := 1; i < len(at); i++ {
			if texts[i] == texts[i-1] || at[i] < a.lo || at[i] > a.hi {
				t.Errorf("%v: %v", a, texts)
			}
		}
	}
}

func TestCompanionIsTheColumnThatChangesTheSlope(t *testing.T) {
	e := example(2000)
	if got := e.companion(0); got != 1 {
		t.Errorf("column %d goes with the first, want 1", got)
	}
	if got := e.companion(2); got != -1 {
		t.Errorf("column %d goes with what adds nothing", got)
	}
}
