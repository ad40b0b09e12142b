package feature

import "github.com/drivecast/drivecast/smart"

// Group is the features that are made of one attribute, or one feature that is of
// none.
type Group struct {
	Attribute smart.Attribute // 0 when the feature is of none
	Name      string          // of the attribute as the spec has it, or of the feature
	From, To  int             // positions From ≤ j < To in the vector
}

// Groups returns the groups of a vector in order; each feature is in one. Errors
// are those of Names.
func (s Spec) Groups() ([]Group, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	var out []Group
	for i, c := range p.columns {
		to := p.general
		if i+1 < len(p.columns) {
			to = p.columns[i+1].from
		}
		out = append(out, Group{c.Attribute, c.String(), c.from, to})
	}
	for j := p.general; j < len(p.names); j++ {
		out = append(out, Group{0, p.names[j], j, j + 1})
	}
	return out, nil
}
