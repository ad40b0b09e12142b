package kube

import (
	"cmp"
	"net"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/drivecast/drivecast/errs"
)

// SetupOptions say for whom a namespace is made ready.
type SetupOptions struct {
	Namespace     string
	Users, Groups []string // who may run jobs, beside the account drivecast-submitter
	Tracking      string   // tracking server as pods reach it
}

// Names of what Setup makes.
const (
	podAccount    = "drivecast-job"       // of pods: no rights at all
	submitterName = "drivecast-submitter" // role and account of who runs jobs
)

// Setup lists the namespace, accounts, role, binding and network policy that jobs
// need. A tracking address that is none is of kind Usage.
func Setup(o SetupOptions) ([]any, error) {
	policy, err := networkPolicy(o)
	if err != nil {
		return nil, err
	}
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: o.Namespace, Labels: map[string]string{LabelManaged: FieldManager}}
	}
	space := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{
		Name: o.Namespace, Labels: map[string]string{LabelManaged: FieldManager, "pod-security.kubernetes.io/enforce": "restricted"},
	}}
	account := func(name string) *corev1.ServiceAccount {
		return &corev1.ServiceAccount{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta(name), AutomountServiceAccountToken: new(false)}
	}
	role := &rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"}, ObjectMeta: meta(submitterName), Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"get", "list", "create", "patch"}},
		{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
		{APIGroups: []string{""}, Resources: []string{"secrets", "services"}, Verbs: []string{"create", "patch"}},
	}}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: submitterName, Namespace: o.Namespace}}
	for _, u := range o.Users {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: u})
	}
	for _, g := range o.Groups {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: g})
	}
	binding := &rbacv1.RoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"}, ObjectMeta: meta(submitterName),
		Subjects: subjects, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: submitterName}}
	return []any{space, account(podAccount), account(submitterName), role, binding, policy}, nil
}

// networkPolicy lets pods of jobs reach the tracking server, name servers and each
// other, and be reached by each other only.
func networkPolicy(o SetupOptions) (*networkingv1.NetworkPolicy, error) {
	server, err := serverPeer(o.Tracking)
	if err != nil {
		return nil, err
	}
	ours := metav1.LabelSelector{MatchLabels: map[string]string{LabelManaged: FieldManager, "app.kubernetes.io/name": "drivecast-job"}}
	peers := []networkingv1.NetworkPolicyPeer{{PodSelector: &ours}}
	dns := networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, 53), port(corev1.ProtocolTCP, 53)}}
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Name: podAccount, Namespace: o.Namespace, Labels: map[string]string{LabelManaged: FieldManager}},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: ours, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: peers}},
			Egress:  []networkingv1.NetworkPolicyEgressRule{server, dns, {To: peers}},
		},
	}, nil
}

// serverPeer is the rule for the tracking server: its port, and its address where
// that is one and not a name, which policies cannot have.
func serverPeer(uri string) (networkingv1.NetworkPolicyEgressRule, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return networkingv1.NetworkPolicyEgressRule{}, errs.New(errs.Usage, "--tracking-uri %q: write for instance http://mlflow.example:5000", uri)
	}
	number, err := strconv.Atoi(cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
	if err != nil || number < 1 || number > 65535 {
		return networkingv1.NetworkPolicyEgressRule{}, errs.New(errs.Usage, "--tracking-uri %q: port %s is none", uri, u.Port())
	}
	rule := networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, number)}}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		bits := "/128"
		if ip.To4() != nil {
			bits = "/32"
		}
		rule.To = []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: ip.String() + bits}}}
	}
	return rule, nil
}

func port(p corev1.Protocol, n int) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &p, Port: new(intstr.FromInt(n))}
}
