// Package train turns data and a learner's name into a model with its evidence:
// the parameters, the split, the metrics on rows that were held out, and the
// hash of the data. It decides nothing silently; what it left out it lists.
//
// It knows nothing of servers and folders: a Result is data, and whoever called
// Run saves or logs it.
package train
