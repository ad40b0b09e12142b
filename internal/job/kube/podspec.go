package kube

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	mountPath = "/drivecast" // the volume that the containers of a pod share
	mainName  = "main"
	fetchName = "fetch"
	someone   = 65532 // user and group of the pods; any but root
)

// podTemplate is the pod: it fetches, then runs.
func (p *Plan) podTemplate() corev1.PodTemplateSpec {
	fetch, main := p.images()
	spec := corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, ServiceAccountName: p.ServiceAccount,
		AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false), TerminationGracePeriodSeconds: new(int64(30)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(int64(someone)), RunAsGroup: new(int64(someone)), FSGroup: new(int64(someone)),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		InitContainers: []corev1.Container{p.container(fetchName, fetch, "drivecast", "fetch")},
		Containers:     []corev1.Container{p.container(mainName, main, mountPath+"/bin/drivecast", "run")},
		Volumes:        []corev1.Volume{emptyDir("work", nil), emptyDir("tmp", nil)},
		Tolerations:    []corev1.Toleration{tolerate(corev1.TaintNodeNotReady, p.EvictAfter), tolerate(corev1.TaintNodeUnreachable, p.EvictAfter)},
		Affinity:       p.affinity(),
	}
	if q := p.asked.shared; q != nil {
		v := emptyDir("shm", q)
		v.EmptyDir.Medium = corev1.StorageMediumMemory
		spec.Volumes = append(spec.Volumes, v)
		spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "shm", MountPath: "/dev/shm"})
	}
	if p.Layout.Together {
		spec.Subdomain = p.Object()
	}
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.podLabels(), Annotations: map[string]string{AnnotName: p.Job.Name}}, Spec: spec}
}

func (p *Plan) container(name, image, program, step string) corev1.Container {
	c := corev1.Container{
		Name: name, Image: image, ImagePullPolicy: corev1.PullPolicy(p.PullPolicy), Command: []string{program, "job", "node", step}, Env: p.variables(),
		EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: p.secretName()}, Optional: new(true),
		}}},
		VolumeMounts:             []corev1.VolumeMount{{Name: "work", MountPath: mountPath}, {Name: "tmp", MountPath: "/tmp"}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: p.asked.cpu, corev1.ResourceMemory: p.asked.memory}},
	}
	if name == mainName {
		c.Resources.Limits = p.limits()
	}
	return c
}

func (p *Plan) limits() corev1.ResourceList {
	out := corev1.ResourceList{}
	if q := p.asked.cpuLimit; q != nil {
		out[corev1.ResourceCPU] = *q
	}
	if q := p.asked.memLimit; q != nil {
		out[corev1.ResourceMemory] = *q
	}
	if p.asked.gpu > 0 {
		out["nvidia.com/gpu"] = *resource.NewQuantity(int64(p.asked.gpu), resource.DecimalSI)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// affinity prefers nodes of the instance types that the file names. Clusters
// elsewhere have none of them, so it only prefers.
func (p *Plan) affinity() *corev1.Affinity {
	if len(p.asked.instances) == 0 {
		return nil
	}
	term := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: corev1.LabelInstanceTypeStable, Operator: corev1.NodeSelectorOpIn, Values: p.asked.instances},
	}}
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{
		{Weight: 100, Preference: term},
	}}}
}

func emptyDir(name string, size *resource.Quantity) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: size}}}
}

func tolerate(taint string, within time.Duration) corev1.Toleration {
	return corev1.Toleration{Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(within / time.Second))}
}
