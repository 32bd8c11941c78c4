package main

import (
	"context"
	"errors"
	"time"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
	cri "k8s.io/cri-client/pkg"
)

// removePods SOCKET: stops and removes every pod of the container runtime that listens there, with its containers, its network and the processes that watch it.
// What is given to this runtime belongs to one cluster, which is being taken down.
func removePods(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("one argument is needed: the runtime's socket")
	}
	ctx := context.Background()
	service, err := cri.NewRemoteRuntimeServiceBuilder().WithEndpoint("unix://" + arguments[0]).WithConnectionTimeout(30 * time.Second).Build(ctx)
	if err != nil {
		return err
	}
	pods, err := service.ListPodSandbox(ctx, &runtime.PodSandboxFilter{})
	if err != nil {
		return err
	}
	var failures []error
	for _, pod := range pods {
		if err := service.StopPodSandbox(ctx, pod.Id); err != nil {
			failures = append(failures, err)
		}
		if err := service.RemovePodSandbox(ctx, pod.Id); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
