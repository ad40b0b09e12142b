//go:build unix

package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/kube"
	"github.com/drivecast/drivecast/internal/job/kube/kubelettest"
)

// kubeNode runs nodes without containers, to try jobs on a control plane that has
// none of its own.
func (a *app) kubeNode() []*cobra.Command {
	access, count, cfg := kube.Access{}, 0, kubelettest.Config{}
	c := &cobra.Command{
		Use: "node", Short: "Be nodes whose containers are processes of this machine, for trials",
		Long: `node registers nodes with the cluster of the kubeconfig and runs the pods that the
scheduler gives them as processes of this machine, until it is interrupted. Images are
not read and nothing is isolated: it is for trying jobs on a control plane of your own.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			rc, _, err := access.Config()
			if err != nil {
				return err
			}
			if count < 1 {
				return errs.New(errs.Usage, "--count %d: at least one node", count)
			}
			if self, err := os.Executable(); err == nil { // drivecast is beside this program
				cfg.Env = append(cfg.Env, "PATH="+filepath.Dir(self)+string(os.PathListSeparator)+os.Getenv("PATH"))
			}
			cfg.Logger = slog.New(slog.NewTextHandler(a.stderr, nil))
			dir := cfg.Dir
			for i := range count {
				cfg.Name = fmt.Sprintf("process-node-%d", i)
				cfg.Dir = filepath.Join(dir, cfg.Name)
				n, err := kubelettest.Start(c.Context(), rc, cfg)
				if err != nil {
					return err
				}
				defer n.Stop()
				fmt.Fprintf(a.stderr, "node %s is up\n", cfg.Name)
			}
			<-c.Context().Done()
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&access.Kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG, or ~/.kube/config)")
	f.StringVar(&access.Context, "context", "", "context of the kubeconfig (default its current one)")
	f.IntVar(&count, "count", 1, "how many nodes")
	f.StringVar(&cfg.Dir, "dir", "drivecast-nodes", "folder for pods, volumes and logs")
	f.StringVar(&cfg.CPU, "cpu", "8", "cores that each node offers")
	f.StringVar(&cfg.Memory, "memory", "16Gi", "memory that each node offers")
	return []*cobra.Command{c}
}
