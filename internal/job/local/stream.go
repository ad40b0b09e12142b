package local

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Stream copies a job's log to w as it grows until the job has ended, and
// returns its last record. Ending ctx leaves the job running.
func Stream(ctx context.Context, s job.Store, workDir, name string, w io.Writer) (job.Record, error) {
	t := &tail{path: LogPath(workDir, name, 0)}
	defer t.close()
	for {
		r, err := s.Get(ctx, name)
		if err != nil {
			return r, err
		}
		if err := t.copy(w); err != nil {
			return r, errs.Wrap(err, "stream the log of job %s", name)
		}
		if r.State.Terminal() {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, errs.Wrap(ctx.Err(), "stream job %s", name)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail copies what a file has gained since last time. The file may not be there
// yet.
type tail struct {
	path string
	f    *os.File
}

func (t *tail) copy(w io.Writer) error {
	if t.f == nil {
		f, err := os.Open(t.path)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		t.f = f
	}
	_, err := io.Copy(w, t.f)
	return err
}

func (t *tail) close() {
	if t.f != nil {
		t.f.Close()
	}
}
