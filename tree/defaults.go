package tree

func defaults() Options {
	return Options{Estimators: 100, MinSamplesSplit: N(2), MinSamplesLeaf: N(1)}
}

// RandomForestClassifier returns scikit-learn's defaults for that class
// (Breiman, Random Forests, 2001).
func RandomForestClassifier() Options {
	o := defaults()
	o.MaxFeatures, o.Bootstrap = Sqrt, true
	return o
}

// RandomForestRegressor returns scikit-learn's defaults for that class.
func RandomForestRegressor() Options {
	o := defaults()
	o.Regression, o.Criterion, o.Bootstrap = true, SquaredError, true
	return o
}

// DecisionTreeClassifier returns scikit-learn's defaults for that class (Breiman
// and others, Classification and Regression Trees, 1984).
//
// As in scikit-learn, Seed matters even though every column is looked at: among
// splits that are equally good the one of the column drawn first is taken.
func DecisionTreeClassifier() Options {
	o := defaults()
	o.Single, o.Estimators = true, 1
	return o
}

// DecisionTreeRegressor returns scikit-learn's defaults for that class.
func DecisionTreeRegressor() Options {
	o := DecisionTreeClassifier()
	o.Regression, o.Criterion = true, SquaredError
	return o
}

// ExtraTreesClassifier returns scikit-learn's defaults for that class (Geurts,
// Ernst and Wehenkel, Extremely randomized trees, 2006).
func ExtraTreesClassifier() Options {
	o := RandomForestClassifier()
	o.Bootstrap, o.Splitter = false, Random
	return o
}

// ExtraTreesRegressor returns scikit-learn's defaults for that class.
func ExtraTreesRegressor() Options {
	o := RandomForestRegressor()
	o.Bootstrap, o.Splitter = false, Random
	return o
}
