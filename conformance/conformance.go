// Package conformance holds the checks in which real clients and real libraries
// talk to drivecast. They are built with the tag conformance and run by
// `make conformance`, which installs the peers first.
package conformance
