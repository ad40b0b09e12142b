// Package kube runs jobs on Kubernetes.
//
// A command job becomes a batch/v1 Job; a sweep, a job of several instances and a
// sharded one become an Indexed Job whose indexes are tried again each for itself.
// What a pod does is in the child package pod; code and data travel by their hash
// through the artifacts of the tracking server, so that a cluster needs to reach
// nothing else, and the image needs nothing but the drivecast program.
//
// A [Plan] is a job on its way: [Plan.Manifest] is what will be applied, without a
// cluster being asked. A [Cluster] applies it (server-side, as field manager
// drivecast) and follows, shows, cancels and downloads jobs. The Job object is the
// only record: its labels and annotations say what it stands for.
package kube
