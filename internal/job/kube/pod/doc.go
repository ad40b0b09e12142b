// Package pod is what of a job runs inside a Kubernetes pod, and what it and its
// maker agree on: the [Spec], and the place where code and data lie by their
// hash, the [Objects].
//
// A pod needs nothing but the drivecast program. Its init container calls
// [Node.Fetch]: it brings code and data into a volume, each file checked against
// its hash, and puts the program there too, so that the main container may have
// any image. The main container calls [Node.Run]: it starts the command, keeps its
// log, and sends outputs and logs to the artifacts of the tracking run.
//
// # Why a killed pod changes nothing
//
// An index of a job of several (a shard) sends all it has made and then its mark,
// shards/INDEX.json. A pod that finds the mark of its index, left by one that was
// cut off before it could tell the cluster, ends at once with success. A pod that is
// killed before leaves no mark and its index runs again from the start, with the
// same inputs, the same index and the same place for its outputs.
//
// # The artifacts of a run
//
//	user_logs/std_log.txt           output of the command (std_log_INDEX.txt with several)
//	outputs/… logs/…                what the command left in these folders
//	named-outputs/NAME/…            outputs; with several, named-outputs/NAME/INDEX/…
//	drivecast-job/shards/INDEX.json the mark of an index, with the hash of every output
package pod
