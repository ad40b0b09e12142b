//go:build unix

// Package kubelettest is a Kubernetes node without containers: a small kubelet that
// runs the containers of its pods as processes of this machine. With a real control
// plane it lets jobs be tried, tested and torn apart where no container engine is.
//
// A [Node] registers itself, renews its lease, watches the pods that the scheduler
// binds to it, runs init containers in turn and then the others, reports status and
// exit codes, asks startup, readiness and liveness probes, serves logs, and honours
// deletion with its time of grace. A container that ends is not started again: its pod
// has ended, and whoever wanted it makes another. Images are folders of unpacked files,
// or ignored: then programs come from this machine's PATH. Volumes (emptyDir, configMap,
// secret, downwardAPI, and claims of a hostPath or local volume) are folders; since
// there are no mounts, the place of a mount is replaced by its folder in commands,
// arguments and variables, and the DNS names of pods by this machine's address. Since
// there are no networks, a pod that declares ports has an address of its own in
// 127.64.0.0/10 (on Linux), which stands in for 0.0.0.0.
//
// [Node.Kill] is a loss of power; [Node.Partition] cuts the cable and leaves the
// processes running. Nothing here isolates anything: for tests and trials only.
package kubelettest
