//go:build race

package kernel

// racing says that pools drop what they hold at random, so that counting
// allocations means nothing.
const racing = true
