package kernel

// deepTree is a tree of more than 65,535 nodes a level, or with more columns
// than an 8-byte node can name: it is walked as it came.
type deepTree struct {
	tree Tree
	how  Compare
}

// keepDeep replaces the packed nodes by the trees themselves.
func (c *Compiled) keepDeep(e *Ensemble) error {
	c.nodes, c.values, c.slots, c.places = nil, nil, nil, nil
	for k := range e.Trees {
		if _, err := e.preorder(k); err != nil {
			return err
		}
		c.deep = append(c.deep, deepTree{e.Trees[k], e.Compare})
	}
	return nil
}

func (c *Compiled) sumDeep(dst, x []float64) {
	k := c.Answers()
	for t := range c.deep {
		d := &c.deep[t]
		for r := range len(x) / c.inputs {
			leaf := d.tree.Leaf(x[r*c.inputs:(r+1)*c.inputs], d.how)
			v := d.tree.Value[leaf*c.outputs : (leaf+1)*c.outputs]
			if c.single {
				addSingle(&dst[r*k+t%c.turns], v[0])
				continue
			}
			if c.turns > 1 {
				dst[r*k+t%c.turns] += v[0]
				continue
			}
			for j := range v {
				dst[r*k+j] += v[j]
			}
		}
	}
}
