package sklearn

// reader makes a part of one class of scikit-learn.
type reader func(b *builder, n node, depth int) (any, error)

// lookup returns the reader of a class, or nil. Classes go by name alone: over
// the versions they moved between modules.
func lookup(class string) reader {
	if r := lookupEnsemble(class); r != nil {
		return r
	}
	if r := lookupTransformer(class); r != nil {
		return r
	}
	switch class {
	case "LogisticRegression", "LogisticRegressionCV":
		return logistic
	case "SGDClassifier", "RidgeClassifier", "RidgeClassifierCV", "LinearSVC", "Perceptron", "PassiveAggressiveClassifier":
		return separatorOf
	case "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LassoLars", "SGDRegressor",
		"LinearSVR", "HuberRegressor", "BayesianRidge", "ARDRegression", "TheilSenRegressor", "QuantileRegressor":
		return lineOf
	case "GaussianNB":
		return bayesOf
	case "Pipeline":
		return pipelineOf
	case "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV":
		return searched
	case "FrozenEstimator":
		return frozen
	case "FixedThresholdClassifier", "TunedThresholdClassifierCV":
		return thresholdOf
	}
	return nil
}

func lookupEnsemble(class string) reader {
	switch class {
	case "DecisionTreeClassifier", "ExtraTreeClassifier":
		return treeClassifier
	case "DecisionTreeRegressor", "ExtraTreeRegressor":
		return treeRegressor
	case "RandomForestClassifier", "ExtraTreesClassifier":
		return forestClassifier
	case "RandomForestRegressor", "ExtraTreesRegressor":
		return forestRegressor
	case "GradientBoostingClassifier":
		return boostingClassifier
	case "GradientBoostingRegressor":
		return boostingRegressor
	case "HistGradientBoostingClassifier":
		return histClassifier
	case "HistGradientBoostingRegressor":
		return histRegressor
	case "AdaBoostClassifier":
		return adaboostClassifier
	case "AdaBoostRegressor":
		return adaboostRegressor
	case "BaggingClassifier":
		return baggingClassifier
	case "BaggingRegressor":
		return baggingRegressor
	case "VotingClassifier":
		return votingClassifier
	case "VotingRegressor":
		return votingRegressor
	case "StackingClassifier", "StackingRegressor":
		return stackingOf
	case "CalibratedClassifierCV":
		return calibratedOf
	case "IsolationForest":
		return isolationForest
	}
	return nil
}

func lookupTransformer(class string) reader {
	switch class {
	case "StandardScaler":
		return standardScaler
	case "RobustScaler":
		return robustScaler
	case "MaxAbsScaler":
		return maxAbsScaler
	case "MinMaxScaler":
		return minMaxScaler
	case "PowerTransformer":
		return powerTransformer
	case "QuantileTransformer":
		return quantileTransformer
	case "KBinsDiscretizer":
		return binsOf
	case "SimpleImputer":
		return imputerOf
	case "OneHotEncoder":
		return oneHotOf
	case "OrdinalEncoder":
		return ordinalOf
	case "PolynomialFeatures":
		return polynomialOf
	case "Normalizer":
		return normalizerOf
	case "Binarizer":
		return binarizer
	case "FunctionTransformer":
		return functionTransformer
	case "ColumnTransformer":
		return columnTransformer
	case "FeatureUnion":
		return featureUnion
	case "VarianceThreshold":
		return varianceThreshold
	case "RFE", "RFECV":
		return eliminated
	case "SelectKBest", "SelectPercentile":
		return best
	case "PCA", "TruncatedSVD":
		return projectionOf
	}
	return nil
}
