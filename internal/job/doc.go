// Package job reads Azure ML's YAML and keeps the queue of jobs.
//
// The words are Azure ML's. A document is one YAML file of some kind (command
// job, sweep job, pipeline job, component, schedule, …). A job is a document
// that can be run; an input is a literal or data, an output is a folder or file
// that the job writes. Expressions such as ${{inputs.x}} are filled in when a
// process is started, and a group $[[…]] is left out when an optional input in
// it has no value.
//
// Reading is strict and positioned: [Open] parses, [Document.Set] overrides as
// `--set` does, [Document.Check] lists every [Problem] with line, field and
// mend, and [Document.Job] gives the typed [Job].
//
// A submitted job is a [Record] in a [Store], the durable queue. A runner claims
// records; every claim has a lease that must be renewed, and a fence, a number
// that grows with each claim: an update that carries an older fence is refused,
// so that a runner which lost its lease cannot spoil the work of its successor.
// Which processes run where is the business of packages below this one.
package job
