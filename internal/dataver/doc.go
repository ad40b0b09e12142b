// Package dataver gives data versions, in the files of DVC 3: what one program
// writes, the other reads.
//
// An object is the content of a file, named by its MD5 (an OID). A directory is an
// object too: the list of its files with their OIDs, in JSON, named by the MD5 of
// that text and ".dir". Objects are kept in a cache below .dvc, and copied to
// remotes; a small file in the repository, NAME.dvc, says which object NAME is. The
// outputs of pipelines are named in dvc.lock instead.
//
// What was hashed is not hashed again while size, time and inode stay: that is the
// state, kept below .dvc/tmp. It is only ever a shortcut; without it everything is
// read anew.
package dataver
