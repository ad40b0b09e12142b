// Command plot draws the series that run.sh scale has measured as one SVG file a
// panel: seconds against rows, trees, columns or workers, both logarithmic.
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"log"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

type point struct{ x, y float64 }

func main() {
	in := flag.String("in", "scale.tsv", "panel,series TAB x TAB seconds a line")
	out := flag.String("out", ".", "folder for the pictures")
	flag.Parse()
	panels, err := read(*in)
	if err != nil {
		log.Fatal(err)
	}
	for name, series := range panels {
		path := filepath.Join(*out, "scale-"+name+".svg")
		if err := os.WriteFile(path, []byte(draw(name, series)), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func read(path string) (map[string]map[string][]point, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	panels := map[string]map[string][]point{}
	for s := bufio.NewScanner(f); s.Scan(); {
		part := strings.Split(s.Text(), "\t")
		panel, name, ok := strings.Cut(part[0], ",")
		if !ok || len(part) != 3 {
			return nil, fmt.Errorf("%s: not a measurement: %q", path, s.Text())
		}
		x, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return nil, err
		}
		y, err := strconv.ParseFloat(part[2], 64)
		if err != nil {
			return nil, err
		}
		if panels[panel] == nil {
			panels[panel] = map[string][]point{}
		}
		panels[panel][name] = append(panels[panel][name], point{x, max(y, 0.001)})
	}
	return panels, nil
}

const (
	width, height = 760, 380
	left, right   = 60, 250
	top, bottom   = 24, 44
)

var colours = []string{"#0b6e99", "#c4501b", "#3a8f3a", "#7b4fa3", "#a08000", "#666666", "#c02a6b"}

// draw returns one panel.
func draw(panel string, series map[string][]point) string {
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{}
	for _, ps := range series {
		for _, p := range ps {
			lo, hi = point{min(lo.x, p.x), min(lo.y, p.y)}, point{max(hi.x, p.x), max(hi.y, p.y)}
		}
	}
	lo.y, hi.y = math.Pow(10, math.Floor(math.Log10(lo.y))), math.Pow(10, math.Ceil(math.Log10(hi.y)))
	at := func(p point) (float64, float64) {
		fx := math.Log(p.x/lo.x) / math.Log(hi.x/lo.x)
		fy := math.Log(p.y/lo.y) / math.Log(hi.y/lo.y)
		return left + fx*(width-left-right), height - bottom - fy*(height-top-bottom)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for y := lo.y; y <= hi.y*1.01; y *= 10 {
		_, py := at(point{lo.x, y})
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g s</text>`+"\n", left, py, width-right, left-6, py+4, round(y))
	}
	for _, x := range ticks(series) {
		px, _ := at(point{x, lo.y})
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", px, height-bottom+18, short(x))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-8, panel)
	for i, name := range slices.Sorted(maps.Keys(series)) {
		ps := series[name]
		slices.SortFunc(ps, func(a, b point) int { return cmp.Compare(a.x, b.x) })
		colour := colours[i%len(colours)]
		var line strings.Builder
		for k, p := range ps {
			px, py := at(p)
			fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(k, 1)], px, py)
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", px, py, colour)
		}
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", line.String(), colour)
		y := top + 18*i + 6
		fmt.Fprintf(&b, `<path d="M%d %dh20" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", width-right+14, y, colour, width-right+40, y+4, name)
	}
	return b.String() + "</svg>\n"
}

// ticks returns every x of the panel once.
func ticks(series map[string][]point) []float64 {
	seen := map[float64]bool{}
	for _, ps := range series {
		for _, p := range ps {
			seen[p.x] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }

func short(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%gM", x/1e6)
	case x >= 1e3:
		return fmt.Sprintf("%gk", x/1e3)
	default:
		return fmt.Sprint(x)
	}
}
