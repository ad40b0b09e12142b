package sklearn

// reader makes a part of one class of scikit-learn.
type reader func(b *builder, n node, depth int) (any, error)

// lookup returns the reader of a class, or nil. Classes go by name alone: over
// the versions they moved between modules.
func lookup(class string) reader {
	switch class {
	case "DecisionTreeClassifier", "ExtraTreeClassifier":
		return treeClassifier
	case "DecisionTreeRegressor", "ExtraTreeRegressor":
		return treeRegressor
	case "RandomForestClassifier", "ExtraTreesClassifier":
		return forestClassifier
	case "RandomForestRegressor", "ExtraTreesRegressor":
		return forestRegressor
	case "LogisticRegression", "LogisticRegressionCV":
		return logistic
	case "StandardScaler":
		return standardScaler
	case "RobustScaler":
		return robustScaler
	case "MaxAbsScaler":
		return maxAbsScaler
	case "Pipeline":
		return pipelineOf
	}
	return nil
}
