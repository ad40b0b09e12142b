// Package image makes container images of a model and the scorer that serves it,
// without a container engine.
//
// An image has three layers: what the system needs (certificates, a user), the
// scorer, and the model. Equal inputs give equal bytes, so equal digests: names are
// sorted, times are one given time, nothing of the machine enters. A bill of
// materials and the provenance refer to the image and travel with it.
package image
