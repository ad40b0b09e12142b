// Package hook starts jobs when GitHub tells of a push.
//
// A [Receiver] answers GitHub's deliveries over HTTP: it checks the signature of the
// body, keeps what asks for work in a folder before it says so, and starts the jobs of
// that commit in the order of arrival. Neither a killed process nor a delivery that
// comes twice starts a job twice: a delivery is known by the hash of its signed body,
// since its identifier is not signed, and the names of its jobs follow from it.
package hook
