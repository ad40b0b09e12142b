package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/job/kube"
)

func (a *app) kubeManifests() *cobra.Command {
	o, out, tracking := kube.SetupOptions{}, kubeAnswer{}, ""
	c := &cobra.Command{
		Use: "manifests", Short: "Print what a namespace needs for jobs: RBAC and NetworkPolicy",
		Long: `manifests prints the namespace with the restricted pod security standard, an account for
pods that may do nothing, a role with just the rights that "job create" and its kin need,
who has that role, and a policy that lets pods talk to the tracking server, to name
servers and to pods of the same job only. Apply it with kubectl apply --server-side -f -.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := out.check(true); err != nil {
				return err
			}
			o.Tracking = cmp.Or(tracking, a.getenv("MLFLOW_TRACKING_URI"), defaultTracking)
			list, err := kube.Setup(o)
			if err != nil {
				return err
			}
			return a.printManifests(out.form, list)
		},
	}
	out.addTo(c)
	f := c.Flags()
	f.StringVar(&o.Namespace, "namespace", "drivecast", "namespace of the jobs")
	f.StringArrayVar(&o.Users, "user", nil, "user who may run jobs; may be repeated")
	f.StringArrayVar(&o.Groups, "group", nil, "group whose members may run jobs; may be repeated")
	f.StringVar(&tracking, "tracking-uri", "", "tracking server as pods reach it (default $MLFLOW_TRACKING_URI, or "+defaultTracking+")")
	return c
}
