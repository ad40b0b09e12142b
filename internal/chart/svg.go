package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// SVG writes the picture; it needs no font and no other file.
func (p *Picture) SVG(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" font-family="Go, Arial, Helvetica, sans-serif" role="img">`+"\n<title>%s</title>\n", px(p.width), px(p.height), escaped(p.title))
	fmt.Fprintf(&b, "<rect width=\"%s\" height=\"%s\" fill=\"#ffffff\"/>\n", px(p.width), px(p.height))
	for _, s := range p.shapes {
		fill := fmt.Sprintf(`fill="#%02x%02x%02x"`, s.color[0], s.color[1], s.color[2])
		if s.alpha < 1 {
			fill += ` fill-opacity="` + px(s.alpha) + `"`
		}
		switch {
		case s.text != "":
			turn := ""
			if s.turned {
				turn = fmt.Sprintf(` transform="rotate(-90 %s %s)"`, px(s.at.x), px(s.at.y))
			}
			fmt.Fprintf(&b, `<text x="%s" y="%s" font-size="%s" text-anchor="%s" %s%s>%s</text>`+"\n", px(s.at.x), px(s.at.y), px(s.size),
				[]string{"start", "middle", "end"}[s.anchor], fill, turn, escaped(s.text))
		case s.points != nil:
			b.WriteString(`<polygon points="`)
			for i, q := range s.points {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(px(q.x) + "," + px(q.y))
			}
			b.WriteString(`" ` + fill + "/>\n")
		default:
			fmt.Fprintf(&b, `<circle cx="%s" cy="%s" r="%s" %s/>`+"\n", px(s.at.x), px(s.at.y), px(s.radius), fill)
		}
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

// px prints a length to a hundredth.
func px(v float64) string {
	b := strconv.AppendFloat(nil, v, 'f', 2, 64)
	b = bytes.TrimRight(b, "0")
	return string(bytes.TrimSuffix(b, []byte(".")))
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes everything
	return b.String()
}
