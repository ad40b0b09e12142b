package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/kube"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// defaultTracking is where `drivecast server` listens unless it is told otherwise.
const defaultTracking = "http://127.0.0.1:5000"

// kubeCommands are the commands of --target kube.
func (a *app) kubeCommands() []*cobra.Command {
	jobs := &cobra.Command{
		Use: "job", Short: "Jobs on Kubernetes", RunE: group,
		Long: `job takes the files and flags of "az ml job" and runs them on a Kubernetes cluster.

Exit codes: 0 done (with --stream: the job completed), 1 failed, 2 the command line is wrong.`,
	}
	jobs.AddCommand(a.kubeCreate(), a.kubeShow(), a.kubeList(), a.kubeStream(), a.kubeCancel(), a.kubeDownload())
	own := &cobra.Command{Use: "kube", Short: "What a cluster needs for jobs", RunE: group}
	own.AddCommand(a.kubeManifests())
	own.AddCommand(a.kubeNode()...)
	return []*cobra.Command{jobs, own, a.kubeDeploy()}
}

// kubeAccess says which cluster and tracking server a command is about.
type kubeAccess struct {
	kube.Access
	tracking string
}

func (k *kubeAccess) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&k.Kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG, or ~/.kube/config)")
	f.StringVar(&k.Context, "context", "", "context of the kubeconfig (default its current one)")
	f.StringVar(&k.Namespace, "namespace", "", "namespace of the jobs (default the context's)")
	f.StringVar(&k.tracking, "tracking-uri", "", "tracking server of the jobs (default $MLFLOW_TRACKING_URI, or "+defaultTracking+")")
	hide(c, "dir", "of jobs on this machine; not used on Kubernetes")
	for name, short := range map[string]string{"resource-group": "g", "workspace-name": "w", "subscription": ""} {
		f.StringP(name, short, "", "of Azure ML; not used on Kubernetes")
		hidden(c, name)
	}
}

// hide accepts a flag that jobs elsewhere have.
func hide(c *cobra.Command, name, usage string) {
	c.Flags().String(name, "", usage)
	hidden(c, name)
}

func hidden(c *cobra.Command, name string) {
	if err := c.Flags().MarkHidden(name); err != nil {
		panic(err) // the flag was added the line before
	}
}

func (k *kubeAccess) trackingURI(a *app) string {
	return strings.TrimRight(cmp.Or(k.tracking, a.getenv("MLFLOW_TRACKING_URI"), defaultTracking), "/")
}

// open connects to the cluster and names the tracking server.
func (k *kubeAccess) open(a *app) (*kube.Cluster, error) {
	tracking, err := client.New(k.trackingURI(a), a.getenv)
	if err != nil {
		return nil, err
	}
	return kube.Open(k.Access, tracking, time.Now)
}

// kubeNamed are the flags of a command about one job.
type kubeNamed struct {
	kubeAccess
	name string
}

func (n *kubeNamed) addTo(c *cobra.Command) {
	n.kubeAccess.addTo(c)
	c.Flags().StringVarP(&n.name, "name", "n", "", "name of the job")
}

func (n *kubeNamed) start(a *app, c *cobra.Command, args []string) (*kube.Cluster, error) {
	switch {
	case len(args) == 1 && n.name == "":
		n.name = args[0]
	case len(args) > 0:
		return nil, errs.New(errs.Usage, "%s wants one name, got %q", c.CommandPath(), strings.Join(args, " "))
	}
	if n.name == "" {
		return nil, errs.New(errs.Usage, "%s needs --name; `drivecast job list --target kube` shows the names", c.CommandPath())
	}
	return n.open(a)
}
