// How docs/discovery.md finds the leader with etcd's client for Go.
package main

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"leasehold.test/peers/steer"
)

func (p *peer) find(request steer.Request) (steer.Said, error) {
	value, err := findLeader(background, p.client, request.Name)
	return steer.Said{"value": value}, err
}

// findLeader returns the value of the leader; it is empty if nobody leads.
func findLeader(ctx context.Context, client *clientv3.Client, name string) (string, error) {
	answer, err := client.Get(ctx, name+"/", clientv3.WithFirstCreate()...)
	if err != nil || len(answer.Kvs) == 0 {
		return "", err
	}
	return string(answer.Kvs[0].Value), nil
}
