package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/image"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/model"
)

// imageOptions are the flags of `drivecast image build`.
type imageOptions struct {
	build    image.Options
	base     string
	platform string
	tracking string
	places   []string
	labels   []string
	out      bool
}

func (a *app) imageCommand() *cobra.Command {
	c := &cobra.Command{Use: "image", Short: "Container images of models", RunE: group}
	c.AddCommand(a.imageBuild())
	return c
}

func (a *app) imageBuild() *cobra.Command {
	var o imageOptions
	c := &cobra.Command{
		Use: "build -m MODEL -o PLACE", Short: "Make an image of a model and its scorer, without a container engine",
		Long: `build makes an OCI image of drivecast-score and a model: non-root, happy with a
read-only root, with certificates, and the same to the byte for the same inputs
($SOURCE_DATE_EPOCH is the time in it, else 1970). A bill of materials (CycloneDX) and
the provenance (in-toto, SLSA) go along as referrers.

MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/PATH.
PLACE is oci:DIR, docker-archive:FILE (which has no place for referrers) or
REGISTRY/NAME:TAG, which is pushed with the credentials of Docker's configuration.`,
		Example: `  drivecast image build -m models:/drives@champion -o registry.example.com/team/scorer:v1
  drivecast image build -m model -o oci:image --platform linux/arm64 --scorer drivecast-score-arm64`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model", "output"); err != nil {
				return err
			}
			return a.buildImage(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.build.Source, "model", "m", "", "the model (required)")
	f.StringArrayVarP(&o.places, "output", "o", nil, "where the image goes (required); may be repeated")
	f.StringVar(&o.build.Scorer, "scorer", "", "drivecast-score of the platform (default: the one beside this program)")
	f.StringVar(&o.base, "base", "", "image to build on, of a registry or oci:DIR (default: nothing)")
	f.StringVar(&o.platform, "platform", "linux/"+runtime.GOARCH, "what the image runs on")
	f.IntVar(&o.build.Port, "port", 8080, "port that the scorer listens on")
	f.StringArrayVar(&o.labels, "label", nil, "a label as name=value; may be repeated")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	f.BoolVar(&o.out, "json", false, "print the result as JSON")
	return c
}

func (a *app) buildImage(ctx context.Context, o *imageOptions) error {
	places := make([]image.Place, len(o.places))
	keys := image.Keychain(a.getenv, nil)
	var err error
	for i, s := range o.places {
		if places[i], err = image.ParsePlace(s); err != nil {
			return err
		}
	}
	if err := o.complete(a); err != nil {
		return err
	}
	remove, err := a.localModel(ctx, o)
	if err != nil {
		return err
	}
	defer remove()
	m, err := model.Open(ctx, o.build.Model)
	if err != nil {
		return errs.Wrap(err, "the scorer could not serve %s", o.build.Source)
	}
	if m.Columns() == nil {
		fmt.Fprintf(a.stderr, "warning: %s has no signature: what is sent to it is taken by position, and only its length is checked\n", o.build.Source)
	}
	if o.base != "" {
		if o.build.Base, err = image.Base(ctx, o.base, o.build.OS, o.build.Arch, keys); err != nil {
			return err
		}
		o.build.BaseRef = o.base
	}
	began := a.now()
	b, err := image.Build(o.build)
	if err != nil {
		return err
	}
	took := a.now().Sub(began)
	for _, p := range places {
		if err := b.Write(ctx, p, keys); err != nil {
			return err
		}
	}
	if o.out {
		return a.printJSON(map[string]any{"digest": b.Digest.String(), "size": b.Size, "platform": o.build.OS + "/" + o.build.Arch, "seconds": took.Seconds(), "output": o.places})
	}
	fmt.Fprintf(a.stdout, "%s\n%.1f MB compressed, built in %s\n", b.Digest, float64(b.Size)/1e6, took.Round(time.Millisecond))
	for _, p := range places {
		fmt.Fprintln(a.stdout, p)
	}
	return nil
}

// complete fills in what flags leave open.
func (o *imageOptions) complete(a *app) (err error) {
	if o.build.OS, o.build.Arch, err = image.ParsePlatform(o.platform); err != nil {
		return err
	}
	if o.build.Port < 1 || o.build.Port > 65535 {
		return errs.New(errs.Usage, "--port %d is no port", o.build.Port)
	}
	o.build.Version = readBuild().Version
	o.build.Labels = map[string]string{}
	for _, l := range o.labels {
		k, v, ok := strings.Cut(l, "=")
		if !ok || k == "" {
			return errs.New(errs.Usage, "--label %q is not like name=value", l)
		}
		o.build.Labels[k] = v
	}
	if text := a.getenv("SOURCE_DATE_EPOCH"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errs.New(errs.Usage, "SOURCE_DATE_EPOCH %q is no number of seconds", text)
		}
		o.build.Created = time.Unix(seconds, 0)
	}
	if o.build.Scorer != "" {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return errs.Wrap(err, "find this program")
	}
	o.build.Scorer = filepath.Join(filepath.Dir(program), "drivecast-score")
	if _, err := os.Stat(o.build.Scorer); err != nil {
		return errs.New(errs.NotFound, "there is no drivecast-score beside this program; name one with --scorer")
	}
	return nil
}

// localModel makes sure that the model is in a folder of this machine.
func (a *app) localModel(ctx context.Context, o *imageOptions) (remove func(), err error) {
	o.build.Model = o.build.Source
	if !serving.IsURI(o.build.Source) {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "drivecast-model-")
	if err != nil {
		return nil, errs.Wrap(err, "make a folder for the model")
	}
	remove = func() { os.RemoveAll(dir) }
	if err := a.env().Download(ctx, o.build.Source, o.tracking, dir); err != nil {
		remove()
		return nil, err
	}
	o.build.Model = dir
	return remove, nil
}
