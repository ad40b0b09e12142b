package job

import "github.com/drivecast/drivecast/errs"

// ScheduledJob opens the document of the job that a schedule creates, with what the
// schedule changes in it. A job that is only a reference is of kind Unsupported: what it
// runs is not known here.
func (d *Document) ScheduledJob() (*Document, error) {
	action := at{node: d.root}.child("create_job")
	file, changes := "", []string{}
	switch {
	case !action.exists():
		return nil, errs.New(errs.Unsupported, "%s: only schedules with create_job can be sent", d.File)
	case action.isText():
		file = d.jobReference(action.node.Value)
	case action.child("job").exists():
		file = d.jobReference(action.text("job"))
		flatten(at{node: action.node}, &changes)
	default:
		return &Document{File: d.File, Dir: d.Dir, root: action.node, Kind: kindOf(action.node)}, nil
	}
	if IsRemote(file) {
		return nil, errs.New(errs.Unsupported, "line %d: create_job: %s is a job of a workspace; name the job's file, or write it in place", action.node.Line, file)
	}
	inner, err := Open(file)
	if err != nil {
		return nil, errs.Wrap(err, "create_job")
	}
	for _, c := range changes {
		if err := inner.Set(c); err != nil {
			return nil, errs.Wrap(err, "create_job")
		}
	}
	return inner, nil
}
