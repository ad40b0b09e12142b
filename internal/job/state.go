package job

// State is where a job is in its life, in Azure ML's words.
type State string

// The states. Queued waits for a node; Starting to Finalizing are in progress
// (Finalizing: the process has ended and its results are being kept).
const (
	NotStarted      State = "NotStarted"
	Queued          State = "Queued"
	Starting        State = "Starting"
	Provisioning    State = "Provisioning"
	Preparing       State = "Preparing"
	Running         State = "Running"
	Finalizing      State = "Finalizing"
	CancelRequested State = "CancelRequested"
	Completed       State = "Completed"
	Failed          State = "Failed"
	Canceled        State = "Canceled"
	NotResponding   State = "NotResponding"
	Paused          State = "Paused"
)

// Terminal reports whether a job in this state will never change again.
func (s State) Terminal() bool {
	return s == Completed || s == Failed || s == Canceled || s == NotResponding || s == Paused
}

// Waiting reports whether a job in this state has not been claimed.
func (s State) Waiting() bool { return s == Queued || s == NotStarted }

// Valid reports whether s is one of the states above.
func (s State) Valid() bool {
	switch s {
	case NotStarted, Queued, Starting, Provisioning, Preparing, Running, Finalizing, CancelRequested:
		return true
	}
	return s.Terminal()
}
