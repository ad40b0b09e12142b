// Package chart draws the pictures of an explanation: a picture is a list of shapes,
// written as SVG or as PNG. Equal input gives equal bytes.
package chart

import (
	"math"
	"strconv"
)

// Color is red, green and blue.
type Color [3]uint8

// The colours of every picture.
var (
	ink   = Color{0x24, 0x29, 0x2f}
	faint = Color{0x6e, 0x77, 0x81}
	grid  = Color{0xdf, 0xe3, 0xe8}
	up    = Color{0xd9, 0x30, 0x4f} // adds; a high value
	down  = Color{0x2a, 0x6f, 0xdb} // takes; a low value
	none  = Color{0xa8, 0xae, 0xb5} // a missing value
)

// anchor says which end of a text is at its place.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// shape is a polygon, a circle, or a text. Lengths are pixels of a screen.
type shape struct {
	points []point // of the polygon
	at     point   // centre, or place of the text's baseline
	radius float64
	text   string
	size   float64
	anchor anchor
	turned bool // the text runs upwards
	color  Color
	alpha  float64
}

type point struct{ x, y float64 }

// Picture is what was drawn, in the order of drawing.
type Picture struct {
	title         string
	width, height float64
	shapes        []shape
}

func (p *Picture) polygon(c Color, alpha float64, points ...point) {
	p.shapes = append(p.shapes, shape{points: points, color: c, alpha: alpha})
}

func (p *Picture) rect(x, y, w, h float64, c Color) {
	p.polygon(c, 1, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// line draws a line along an axis.
func (p *Picture) line(x0, y0, x1, y1 float64, c Color) {
	p.rect(min(x0, x1)-.5, min(y0, y1)-.5, math.Abs(x1-x0)+1, math.Abs(y1-y0)+1, c)
}

func (p *Picture) dot(x, y, r float64, c Color, alpha float64) {
	p.shapes = append(p.shapes, shape{at: point{x, y}, radius: r, color: c, alpha: alpha})
}

func (p *Picture) write(x, y, size float64, a anchor, c Color, text string) {
	p.shapes = append(p.shapes, shape{at: point{x, y}, text: text, size: size, anchor: a, color: c, alpha: 1})
}

// axis is a scale from values to pixels.
type axis struct{ lo, hi, from, to float64 }

func (a axis) at(v float64) float64 {
	if a.hi == a.lo {
		return (a.from + a.to) / 2
	}
	return a.from + (v-a.lo)/(a.hi-a.lo)*(a.to-a.from)
}

// span returns an axis that holds all finite values, with some room at its ends.
func span(from, to float64, always []float64, values ...[]float64) axis {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, list := range append(values, always) {
		for _, v := range list {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	room := (hi - lo) * .04
	if room == 0 {
		room = max(math.Abs(hi)*.05, 1e-9)
	}
	return axis{lo - room, hi + room, from, to}
}

// ticks returns round values on the axis, at most about n, and their texts.
func (a axis) ticks(n int) (at []float64, texts []string) {
	step := math.Pow(10, math.Floor(math.Log10((a.hi-a.lo)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (a.hi-a.lo)/(m*step) <= float64(n) {
			step *= m
			break
		}
	}
	digits := max(0, int(-math.Floor(math.Log10(step)+1e-9)))
	for k := math.Ceil(a.lo / step); k*step <= a.hi; k++ {
		v := k * step
		text := strconv.FormatFloat(v, 'f', min(digits, 12), 64)
		if big := max(math.Abs(a.lo), math.Abs(a.hi)); big >= 1e6 || big < 1e-4 {
			text = strconv.FormatFloat(v, 'g', 4, 64)
		}
		if k == 0 {
			v, text = 0, "0"
		}
		at, texts = append(at, v), append(texts, text)
	}
	return at, texts
}

// bottom draws a horizontal axis with its grid above it.
func (p *Picture) bottom(a axis, top, y float64, label string) {
	at, texts := a.ticks(6)
	for i, v := range at {
		p.line(a.at(v), top, a.at(v), y, grid)
		p.write(a.at(v), y+18, 12, middle, faint, texts[i])
	}
	p.line(a.from, y, a.to, y, faint)
	p.write((a.from+a.to)/2, y+40, 13, middle, ink, label)
}

// heat is the colour of a share between low and high.
func heat(share float64) Color {
	if math.IsNaN(share) {
		return none
	}
	share = max(0, min(1, share))
	var c Color
	for i := range c {
		c[i] = uint8(math.Round(float64(down[i]) + share*(float64(up[i])-float64(down[i]))))
	}
	return c
}

// number prints a value with at most four digits.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// signed prints a contribution.
func signed(v float64) string {
	if v >= 0 {
		return "+" + strconv.FormatFloat(v, 'g', 3, 64)
	}
	return "−" + strconv.FormatFloat(-v, 'g', 3, 64)
}
