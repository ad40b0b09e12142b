package azureml

import (
	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Registrar registers a component that a pipeline defines itself and returns its id.
// Spec are its fields as the REST API has them, with absolute local paths of code and
// with environments in place as maps of the YAML's fields; components within it are
// registered already.
type Registrar func(spec map[string]any) (id string, err error)

// JobRegistering is Job for a body that is to be sent: components of a pipeline's steps
// are registered, innermost first, and stand in the body by their ids.
func JobRegistering(d *job.Document, register Registrar) (Body, []job.Problem, error) {
	return jobBody(d, register)
}

// registeredID registers the component that a step runs.
func (b *builder) registeredID(st step, sc *scope) (string, error) {
	spec, err := b.definition(st.component, sc, true)
	if err != nil {
		return "", err
	}
	id, err := b.register(spec.plainMap())
	return id, errs.Wrap(err, "register the component")
}

// Registration are the properties under which an environment is registered that a
// component has in place, with its name and version. A build folder stands in
// build.contextUri as a local path.
func Registration(environment map[string]any) (name, version string, properties map[string]any) {
	o, _ := byKey(environment).(ordered)
	return text(o.get("name")), text(o.get("version")), registration(o)
}
