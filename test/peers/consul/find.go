// How docs/discovery.md finds the leader with Consul's client for Go.
package main

import (
	"strings"

	"github.com/hashicorp/consul/api"

	"leasehold.test/peers/steer"
)

func (p *peer) find(request steer.Request) (steer.Said, error) {
	value, err := findLeader(p.client, request.Name)
	return steer.Said{"value": value}, err
}

// findLeader returns the value of the leader; it is empty if nobody leads.
func findLeader(client *api.Client, name string) (string, error) {
	key, _, err := client.KV().Get(name+"/.lock", &api.QueryOptions{RequireConsistent: true})
	if err != nil || key == nil || key.Session == "" {
		return "", err
	}
	return strings.TrimRight(string(key.Value), " \t"), nil
}
