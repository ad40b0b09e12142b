package hist

import (
	"sync"

	"github.com/drivecast/drivecast/tree/kernel"
)

// Compiled is a boosted ensemble packed for speed. Its answers equal the
// ensemble's to the last bit. It is safe for concurrent use.
type Compiled struct {
	kernel *kernel.Compiled
	model  *Boosted
	loss   loss
	raw    sync.Pool
}

// Compile packs the ensemble, whose trees must not change afterwards. It returns
// an error of kind Invalid when a tree is not one, such as a child index out of
// range.
func (b *Boosted) Compile() (*Compiled, error) {
	e := &kernel.Ensemble{Features: b.NumInput, Outputs: 1, Turns: b.Outputs, Compare: kernel.LessEqual64}
	for k := range b.Trees {
		e.Trees = append(e.Trees, b.Trees[k].Tree)
	}
	k, err := kernel.Compile(e)
	if err != nil {
		return nil, err
	}
	c := &Compiled{kernel: k, model: b, loss: b.loss()}
	c.raw.New = func() any { return new([]float64) }
	return c, nil
}

// Features returns the number of columns a row must have.
func (c *Compiled) Features() int { return c.model.NumInput }

// Classes returns the class labels, or nil.
func (c *Compiled) Classes() []float64 { return c.model.Labels }

// Raw writes what [Boosted.Raw] writes.
func (c *Compiled) Raw(dst, x []float64) { c.kernel.Sum(dst, x, c.model.Base) }

// Scores writes what [Boosted.Scores] writes. It does not allocate once it has
// seen as many rows at a time.
func (c *Compiled) Scores(dst, x []float64) {
	rows, k, o := len(x)/c.model.NumInput, max(len(c.model.Labels), 1), c.model.Outputs
	buf := c.raw.Get().(*[]float64)
	if cap(*buf) < rows*o {
		*buf = make([]float64, rows*o)
	}
	raw := (*buf)[:rows*o]
	c.Raw(raw, x)
	for r := range rows {
		c.loss.answer(dst[r*k:(r+1)*k], raw[r*o:(r+1)*o])
	}
	c.raw.Put(buf)
}

// Explain writes what [Boosted.Explain] writes.
func (c *Compiled) Explain(dst, row []float64) (base float64, space string) {
	return c.model.Explain(dst, row)
}
