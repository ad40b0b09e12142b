package auth

import "github.com/drivecast/drivecast/errs"

// NoUser is the error for a user that there is not.
func NoUser(name string) error {
	return errs.New(errs.NotFound, "User with username=%s not found", clip(name))
}

// TakenUser is the error for a name that another user has.
func TakenUser(name string) error {
	return errs.New(errs.Exists, "User (username=%s) already exists.", clip(name))
}

// LastAdmin is the error for taking away the only admin.
func LastAdmin(name string) error {
	return errs.New(errs.State, "%s is the last admin; make another one first", clip(name))
}

// NoGroup is the error for a group that there is not.
func NoGroup(id int64) error { return errs.New(errs.NotFound, "Role with id=%d not found", id) }

// TakenGroup is the error for a name that another group has.
func TakenGroup(name, workspace string) error {
	return errs.New(errs.Exists, "Role with name=%s in workspace=%s already exists.", clip(name), clip(workspace))
}

// NoGrant is the error for a grant that there is not.
func NoGrant(what string) error { return errs.New(errs.NotFound, "Permission for %s not found", what) }

// TakenGrant is the error for a second grant on the same thing.
func TakenGrant(what string) error {
	return errs.New(errs.Exists, "Permission for %s already exists.", what)
}
