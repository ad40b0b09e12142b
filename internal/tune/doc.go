// Package tune finds good settings of a learner by trying them.
//
// A study is a sequence of jobs, each of which judges one setting: the fold-by-fold
// cross-validation of a learner, or anything else that is an Objective. What job k
// tries, and whether it is stopped early, depends on the settings of the study and
// on the outcomes of the jobs before k-Ahead alone, never on which of the others
// happened to end first. A study therefore comes out the same with any number of
// workers, and so does one that was interrupted: its journal holds what had ended,
// and a second run goes on from there.
//
// The held-out rows of the data are not within reach of a study: it sees
// train.Rows, and whoever started it judges the winner once.
package tune
