// Package ci decides in continuous integration whether a model may take the place
// of another, and says so where the people of a pull request read it.
//
// Judge measures a candidate and a champion on the same labelled rows and applies
// Rules, read from drivecast.yaml. The Decision it returns is what Markdown turns
// into a step summary and Comment into the one comment of a pull request. Lint
// examines the workflows that do all this.
package ci
