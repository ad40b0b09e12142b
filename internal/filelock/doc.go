// Package filelock keeps two processes from writing to one file.
package filelock
