package chart

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"github.com/drivecast/drivecast/errs"
)

// sharpness is how many pixels of a PNG stand for one of the picture.
const sharpness = 2

// painter paints shapes on an image.
type painter struct {
	dst   *image.RGBA
	faces *faces
}

// faces are the sizes of the font that were needed.
type faces struct {
	font   *opentype.Font
	bySize map[float64]font.Face
}

func newFaces() (*faces, error) {
	f, err := opentype.Parse(goregular.TTF)
	return &faces{f, map[float64]font.Face{}}, errs.Wrap(err, "read the font")
}

func (f *faces) face(size float64) (font.Face, error) {
	if got := f.bySize[size]; got != nil {
		return got, nil
	}
	face, err := opentype.NewFace(f.font, &opentype.FaceOptions{Size: size, DPI: 72})
	if err == nil {
		f.bySize[size] = face
	}
	return face, errs.Wrap(err, "make the font of size %g", size)
}

// PNG writes the picture with twice its pixels, for sharp screens.
func (p *Picture) PNG(w io.Writer) error {
	f, err := newFaces()
	if err != nil {
		return err
	}
	g := &painter{image.NewRGBA(image.Rect(0, 0, int(p.width*sharpness), int(p.height*sharpness))), f}
	draw.Draw(g.dst, g.dst.Bounds(), image.White, image.Point{}, draw.Src)
	for i := range p.shapes {
		s := &p.shapes[i]
		switch {
		case s.text != "":
			if err := g.text(s); err != nil {
				return err
			}
		case s.points != nil:
			g.fill(s.points, s)
		default:
			g.fill(circle(s.at, s.radius), s)
		}
	}
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, g.dst)
}

// circle is a polygon that looks like one.
func circle(c point, r float64) []point {
	const sides = 20
	out := make([]point, sides)
	for i := range out {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / sides)
		out[i] = point{c.x + r*cos, c.y + r*sin}
	}
	return out
}

// shade is a shape's colour, as images have it.
func (s *shape) shade() *image.Uniform {
	return image.NewUniform(color.NRGBA{s.color[0], s.color[1], s.color[2], uint8(math.Round(255 * s.alpha))})
}

// fill paints the inside of a polygon.
func (g *painter) fill(points []point, s *shape) {
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, q := range points {
		lo = point{min(lo.x, q.x), min(lo.y, q.y)}
		hi = point{max(hi.x, q.x), max(hi.y, q.y)}
	}
	box := image.Rect(int(math.Floor(lo.x*sharpness)), int(math.Floor(lo.y*sharpness)), int(math.Ceil(hi.x*sharpness)), int(math.Ceil(hi.y*sharpness)))
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, q := range points {
		x, y := float32(q.x*sharpness-float64(box.Min.X)), float32(q.y*sharpness-float64(box.Min.Y))
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(g.dst, box, s.shade(), image.Point{})
}

// text paints a text, upwards when it is turned.
func (g *painter) text(s *shape) error {
	face, err := g.faces.face(s.size * sharpness)
	if err != nil {
		return err
	}
	long := font.MeasureString(face, s.text)
	shift := []fixed.Int26_6{0, long / 2, long}[s.anchor]
	x, y := fixed.Int26_6(math.Round(s.at.x*sharpness*64)), fixed.Int26_6(math.Round(s.at.y*sharpness*64))
	if !s.turned {
		d := font.Drawer{Dst: g.dst, Src: s.shade(), Face: face, Dot: fixed.Point26_6{X: x - shift, Y: y}}
		d.DrawString(s.text)
		return nil
	}
	m := face.Metrics()
	up, below := m.Ascent.Ceil(), m.Descent.Ceil()
	flat := image.NewRGBA(image.Rect(0, 0, long.Ceil()+2, up+below))
	d := font.Drawer{Dst: flat, Src: s.shade(), Face: face, Dot: fixed.P(1, up)}
	d.DrawString(s.text)
	turned := image.NewRGBA(image.Rect(0, 0, flat.Rect.Dy(), flat.Rect.Dx()))
	for i := range flat.Rect.Dx() {
		for j := range flat.Rect.Dy() {
			turned.SetRGBA(j, flat.Rect.Dx()-1-i, flat.RGBAAt(i, j))
		}
	}
	at := image.Pt(x.Round()-up, y.Round()+shift.Round()-flat.Rect.Dx())
	draw.Draw(g.dst, turned.Rect.Add(at), turned, image.Point{}, draw.Over)
	return nil
}

// measure returns how wide a text of the size is, at most.
func (f *faces) measure(text string, size float64) float64 {
	face, err := f.face(size)
	if err != nil {
		return size * .6 * float64(len(text))
	}
	return float64(font.MeasureString(face, text)) / 64
}

// shorten cuts a text to a width.
func (f *faces) shorten(text string, size, width float64) string {
	if f.measure(text, size) <= width {
		return text
	}
	r := []rune(text)
	for len(r) > 1 && f.measure(string(r)+"…", size) > width {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}
