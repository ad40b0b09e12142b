package registry

import "github.com/drivecast/drivecast/errs"

// The failures whose texts clients know. Stores answer with these.

// NoModel says that there is no model of that name.
func NoModel(name string) error {
	return errs.New(errs.NotFound, "Registered Model with name=%s not found", name)
}

// ModelExists says that the name is taken.
func ModelExists(name string) error {
	return errs.New(errs.Exists, "Registered Model (name=%s) already exists.", name)
}

// NoVersion says that the model has no such version.
func NoVersion(name, number string) error {
	return errs.New(errs.NotFound, "Model Version (name=%s, version=%s) not found", name, number)
}

// NoAlias says that the model has no such alias.
func NoAlias(name, alias string) error {
	return errs.New(errs.Invalid, "Registered model alias %s not found.", alias)
}

// BadToken says that a page token is not one of ours, or of another search.
func BadToken() error {
	return errs.New(errs.Invalid, "Invalid page token, could not base64-decode: it was not handed out for this search")
}
