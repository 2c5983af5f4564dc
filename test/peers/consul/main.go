// A peer on Consul: api.Lock and api.Semaphore of github.com/hashicorp/consul/api, as a program in Go uses them. Its
// argument is the address of an agent. See package steer for how it is spoken to.
//
//	lock    waits for the lock NAME/.lock, which `consul lock NAME` uses too; answers with the token, and when it was
//	        held. An event `lost` tells when the client takes it for lost
//	unlock  answers with when it let go: before the request left
//	acquire waits for one of `limit` permits of the semaphore NAME
//	release gives it back
//	turns   takes turns for `for` ms, holding the lock or, with a `limit` above 1, a permit for `hold` ms each; answers
//	        with their number
//	cycles  takes the lock and gives it back `limit` times in a row, in one session; answers with how long each took, in ms
//	write   puts `value` at `name` in a transaction of its own, if `key` has the modify index `revision`; `owner` says
//	        whether it did
//	find    answers with the value of the leader
//
// A session has the time to live `ttl`, in seconds, and a lock-delay of half a second.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"

	"leasehold.test/peers/steer"
)

const lockDelay = 500 * time.Millisecond

// hold is what is held of one name, or waited for.
type hold struct {
	release func() error
	// over is closed when the hold is given back, which is not to be told as a loss.
	over chan struct{}
}

type peer struct {
	client *api.Client

	mu    sync.Mutex
	holds map[string]*hold
}

func main() {
	client, err := api.NewClient(&api.Config{Address: os.Args[1]})
	if err != nil {
		panic(err)
	}
	p := &peer{client: client, holds: map[string]*hold{}}
	verbs := map[string]func(steer.Request) (steer.Said, error){
		"lock": p.lock, "acquire": p.acquire, "unlock": p.release, "release": p.release,
		"write": p.write, "turns": p.turns, "cycles": p.cycles, "find": p.find,
	}
	steer.Serve(func(request steer.Request) (steer.Said, error) {
		do, known := verbs[request.Verb]
		if !known {
			return nil, fmt.Errorf("unknown verb %q", request.Verb)
		}
		return do(request)
	})
}

// session describes the session that a lock or semaphore makes for itself.
func session(ttl int) *api.SessionEntry {
	return &api.SessionEntry{Name: "a peer in Go", TTL: fmt.Sprintf("%ds", ttl), LockDelay: lockDelay}
}

func (p *peer) lock(request steer.Request) (steer.Said, error) {
	key := request.Name + "/.lock"
	ttl := fmt.Sprintf("%ds", request.TTL)
	options := api.LockOptions{Key: key, SessionOpts: session(request.TTL), SessionTTL: ttl}
	lock, err := p.client.LockOpts(&options)
	if err != nil {
		return nil, err
	}
	lost, err := lock.Lock(nil)
	at := steer.Now()
	if err != nil {
		return nil, err
	}
	p.keep(request.Name, lost, lock.Unlock)
	// What the index of the write was, the lock does not tell.
	pair, _, err := p.client.KV().Get(key, &api.QueryOptions{RequireConsistent: true})
	if err != nil || pair == nil {
		return nil, errors.Join(err, errors.New("the lock's key is gone"))
	}
	return steer.Said{"at": at, "token": strconv.FormatUint(pair.ModifyIndex, 10), "session": pair.Session}, nil
}

func (p *peer) acquire(request steer.Request) (steer.Said, error) {
	ttl := fmt.Sprintf("%ds", request.TTL)
	// A semaphore has no SessionOpts: it is given a session of its own, which has to be renewed then.
	id, _, err := p.client.Session().Create(session(request.TTL), nil)
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go p.client.Session().RenewPeriodic(ttl, id, nil, ended)
	options := api.SemaphoreOptions{Prefix: request.Name, Limit: request.Limit, Session: id}
	semaphore, err := p.client.SemaphoreOpts(&options)
	if err != nil {
		return nil, err
	}
	lost, err := semaphore.Acquire(nil)
	at := steer.Now()
	if err != nil {
		close(ended)
		return nil, err
	}
	p.keep(request.Name, lost, func() error {
		defer close(ended)
		return semaphore.Release()
	})
	return steer.Said{"at": at, "session": id}, nil
}

// taker is what Lock and Semaphore have in common.
type taker struct {
	take func(<-chan struct{}) (<-chan struct{}, error)
	give func() error
}

// taker makes the lock or semaphore once, as a program does that uses it again and again.
func (p *peer) taker(request steer.Request) (taker, error) {
	if request.Limit > 1 {
		semaphore, err := p.client.SemaphorePrefix(request.Name, request.Limit)
		if err != nil {
			return taker{}, err
		}
		return taker{semaphore.Acquire, semaphore.Release}, nil
	}
	lock, err := p.client.LockKey(request.Name + "/.lock")
	if err != nil {
		return taker{}, err
	}
	return taker{lock.Lock, lock.Unlock}, nil
}

func (p *peer) turns(request steer.Request) (steer.Said, error) {
	taker, err := p.taker(request)
	if err != nil {
		return nil, err
	}
	turns := 0
	for end := steer.Now() + float64(request.For); steer.Now() < end; turns++ {
		if _, err := taker.take(nil); err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(request.Hold) * time.Millisecond)
		if err := taker.give(); err != nil {
			return nil, err
		}
	}
	return steer.Said{"turns": turns}, nil
}

func (p *peer) cycles(request steer.Request) (steer.Said, error) {
	ttl := fmt.Sprintf("%ds", request.TTL)
	id, _, err := p.client.Session().Create(session(request.TTL), nil)
	if err != nil {
		return nil, err
	}
	defer p.client.Session().Destroy(id, nil)
	options := api.LockOptions{Key: request.Name + "/.lock", Session: id, SessionTTL: ttl}
	return steer.Cycles(request.Limit, func() error {
		lock, err := p.client.LockOpts(&options)
		if err != nil {
			return err
		}
		if _, err := lock.Lock(nil); err != nil {
			return err
		}
		return lock.Unlock()
	})
}

func (p *peer) write(request steer.Request) (steer.Said, error) {
	operations := api.TxnOps{
		{KV: &api.KVTxnOp{Verb: api.KVCheckIndex, Key: request.Key, Index: uint64(request.Revision)}},
		{KV: &api.KVTxnOp{Verb: api.KVSet, Key: request.Name, Value: []byte(request.Value)}},
	}
	applied, _, _, err := p.client.Txn().Txn(operations, nil)
	if err != nil {
		return nil, err
	}
	return steer.Said{"owner": applied}, nil
}

func (p *peer) keep(name string, lost <-chan struct{}, release func() error) {
	held := &hold{release: release, over: make(chan struct{})}
	p.mu.Lock()
	p.holds[name] = held
	p.mu.Unlock()
	go func() {
		select {
		case <-held.over:
		case <-lost:
			steer.Say(steer.Said{"event": "lost", "at": steer.Now()})
		}
	}()
}

func (p *peer) release(request steer.Request) (steer.Said, error) {
	p.mu.Lock()
	held := p.holds[request.Name]
	delete(p.holds, request.Name)
	p.mu.Unlock()
	if held == nil {
		return nil, fmt.Errorf("%s is not held", request.Name)
	}
	close(held.over)
	at := steer.Now()
	return steer.Said{"at": at}, held.release()
}
