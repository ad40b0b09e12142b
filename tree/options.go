package tree

// Criterion is what a split is judged by.
type Criterion uint8

// The criteria. LogLoss is another name for Entropy.
const (
	Gini Criterion = iota
	Entropy
	SquaredError // of regressors
)

// Splitter is how the thresholds that a node looks at are chosen.
type Splitter uint8

// The splitters.
const (
	Best   Splitter = iota // all thresholds
	Random                 // one a column, drawn at random
)

// Balance is whether classes are weighed by the inverse of their frequency.
type Balance uint8

// The ways to balance.
const (
	Unbalanced        Balance = iota
	Balanced                  // by frequency in all rows
	BalancedSubsample         // by frequency in the rows that a tree draws
)

// Compat is the scikit-learn era whose trees are grown. The eras differ in the
// order in which a sort leaves equal values, and so in the last bits of sums of
// weights and of targets; in a weighted bootstrap, which up to 1.8 draws all rows
// alike and multiplies their weights, and from 1.9 draws rows in proportion to
// their weights; and in how many rows a share given as MaxSamples is.
type Compat uint8

// The eras.
const (
	Sklearn19 Compat = iota // scikit-learn 1.9 and later
	Sklearn18               // scikit-learn 1.0 to 1.8; missing values as 1.8 treats them
)

// Options are the parameters of an ensemble of exact trees, with scikit-learn's
// meanings. Start from RandomForestClassifier or one of its siblings.
type Options struct {
	Regression            bool                // the target is a number, not a class
	Single                bool                // one tree, not an ensemble: Estimators, Bootstrap, MaxSamples and OOBScore do not apply
	Estimators            int                 // trees
	Criterion             Criterion           // Gini, Entropy, or SquaredError
	Splitter              Splitter            // Best, or Random as in extra trees
	MaxDepth              int                 // levels below the root; 0 for any
	MinSamplesSplit       Count               // rows that a node must have to be split: at least 2, or a share
	MinSamplesLeaf        Count               // rows that a leaf must have: at least 1, or a share
	MinWeightFractionLeaf float64             // share of all weight that a leaf must have, in [0, 0.5]
	MaxFeatures           Count               // columns looked at for a split
	MaxLeafNodes          int                 // grow the best leaf first until there are so many, at least 2; 0 for any
	MinImpurityDecrease   float64             // a split must gain this much
	CCPAlpha              float64             // prune branches that gain less than this a leaf
	Bootstrap             bool                // each tree sees rows drawn with replacement
	MaxSamples            Count               // how many are drawn
	OOBScore              bool                // judge each row by the trees that did not see it; needs Bootstrap
	ClassWeight           map[float64]float64 // weight of each class, 1 for those not named; nil for none
	Balance               Balance             // weigh classes by the inverse of their frequency; ClassWeight must be nil
	Seed                  uint32              // scikit-learn's random_state
	Compat                Compat
	Workers               int                   // goroutines; 0 for one a processor. The trees are the same for any number.
	Progress              func(done, total int) // called after each tree, one call at a time; may be nil
}
