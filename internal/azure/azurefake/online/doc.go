// Package online are the online endpoints of the local control plane of Azure ML:
// their state, with the long actions and refusals of Azure's, and a data plane that
// serves. An instance is a process of this machine in the place of a container: the
// scorer for models that it opens, or a command line that stands for an image. It
// turns Failed, with a log, when it ends or never passes its probes.
package online
