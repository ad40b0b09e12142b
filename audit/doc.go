// Package audit finds the lies in data before a model learns them.
//
// Table looks at a table with a target of two values, or at the days of a fleet,
// and returns a Report: what it found, how bad that is, which rows show it, what
// it means and how to mend it. A finding that blocks says that a model's figures
// on this data would not hold on any other. Nothing in it knows a column by its
// name, but for identifiers, dates and the target.
//
// Load reads what Table looks at; Repair undoes what can be undone.
package audit
