// Package reduce lets the processes of a data-parallel fit add up their
// histograms over HTTP.
//
// One process runs the [Coordinator]; each process, that one included, talks to it
// through a [Client], which is a hist.Reducer. The processes take turns in step:
// in each turn all of them send a vector and all get back the element-wise sum or
// maximum. A turn is one request,
//
//	POST /turns/{number}/{sum|max}?rank=R      words of 8 bytes, little-endian
//
// and its answer is the combined vector. A process that asks again after a broken
// connection is answered again: its vector counts once. When a process gives up
// (POST /abort), sends what does not fit, or is not heard of for too long, the
// turn and every later one fails for all, so that none waits for ever.
package reduce
