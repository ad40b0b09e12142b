package tree

import "github.com/drivecast/drivecast/tree/kernel"

// Compiled is a forest packed for speed. Its answers equal the forest's to the
// last bit. It is safe for concurrent use.
type Compiled struct {
	kernel *kernel.Compiled
	forest *Forest
}

// Compile packs the forest, whose trees must not change afterwards. It returns an error of kind Invalid when a tree is
// not one, such as a child index out of range.
func (f *Forest) Compile() (*Compiled, error) {
	k, err := kernel.Compile(f.ensemble())
	if err != nil {
		return nil, err
	}
	return &Compiled{k, f}, nil
}

// Features returns the number of columns a row must have.
func (c *Compiled) Features() int { return c.forest.NumInput }

// Classes returns the class labels, or nil for a regressor.
func (c *Compiled) Classes() []float64 { return c.forest.Labels }

// Scores writes, for each row of x, what [Forest.Scores] writes. It does not
// allocate.
func (c *Compiled) Scores(dst, x []float64) {
	c.kernel.Sum(dst, x, nil)
	n := len(x) / c.forest.NumInput * c.kernel.Answers()
	trees := float64(len(c.forest.Trees))
	for i := range dst[:n] {
		dst[i] /= trees
	}
}

// Explain writes what [Forest.Explain] writes.
func (c *Compiled) Explain(dst, row []float64) (base float64, space string) {
	return c.forest.Explain(dst, row)
}
