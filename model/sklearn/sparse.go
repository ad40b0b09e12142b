package sklearn

// makes notes whether the object that was just read makes a sparse matrix of what
// it is given. That matters to XGBoost, to which what such a matrix leaves out is
// missing. Transformers that are not named keep the kind of matrix; FeatureUnion
// and Pipeline note it themselves.
func (b *builder) makes(n node) {
	switch n.o.Class.Name {
	case "OneHotEncoder":
		b.sparse = n.flag("sparse_output", n.flag("sparse", true))
	case "KBinsDiscretizer":
		b.sparse = n.text("encode", "onehot") == "onehot"
	case "ColumnTransformer":
		b.sparse = n.flag("sparse_output_", false)
	case "OrdinalEncoder", "PowerTransformer", "PCA", "TruncatedSVD":
		b.sparse = false
	}
}
