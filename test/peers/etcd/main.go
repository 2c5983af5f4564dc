// A peer on etcd: the locks and elections of go.etcd.io/etcd/client/v3/concurrency, as a program in Go uses them.
// Its argument is the address of a member. See package steer for how it is spoken to.
//
//	session  ends the session before and begins one of `ttl` seconds; an event `lost` tells when the client takes it for
//	         ended
//	lock     waits for the mutex; answers with the token, the create revision of its key, and when it was held
//	trylock  the same without waiting; `held` says whether it was got
//	isowner  asks the server whether the mutex is still this session's
//	unlock   answers with when it let go: before the request left
//	cycles   locks and unlocks `limit` times in a row; answers with how long each took, in ms
//	campaign waits for the leadership, under `value`
//	resign   gives it back
//	observe  tells each leader in an event `leader`
//	write    puts `value` at `name` in a transaction of its own, if `key` has the create revision `revision`; `owner` says
//	         whether it did
//	find     answers with the value of the leader
//	close    ends the session and what it holds
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"

	"leasehold.test/peers/steer"
)

type peer struct {
	client *clientv3.Client

	mu        sync.Mutex
	session   *concurrency.Session
	mutexes   map[string]*concurrency.Mutex
	elections map[string]*concurrency.Election
}

var background = context.Background()

func main() {
	client, err := clientv3.New(clientv3.Config{Endpoints: os.Args[1:2], Logger: zap.NewNop()})
	if err != nil {
		panic(err)
	}
	p := &peer{client: client}
	verbs := map[string]func(steer.Request) (steer.Said, error){
		"session": p.begin, "lock": p.lock, "trylock": p.tryLock, "isowner": p.isOwner, "unlock": p.unlock,
		"campaign": p.campaign, "resign": p.resign, "observe": p.observe, "write": p.write, "find": p.find, "cycles": p.cycles,
		"close": p.close,
	}
	steer.Serve(func(request steer.Request) (steer.Said, error) {
		do, known := verbs[request.Verb]
		if !known {
			return nil, fmt.Errorf("unknown verb %q", request.Verb)
		}
		return do(request)
	})
}

func (p *peer) begin(request steer.Request) (steer.Said, error) {
	p.mu.Lock()
	before := p.session
	p.session = nil
	p.mu.Unlock()
	if before != nil {
		before.Close() // It may have ended long ago, which is an error.
	}
	session, err := concurrency.NewSession(p.client, concurrency.WithTTL(request.TTL))
	if err != nil {
		return nil, err
	}
	go func() {
		<-session.Done()
		at := steer.Now()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.session == session {
			steer.Say(steer.Said{"event": "lost", "at": at})
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = session
	p.mutexes = map[string]*concurrency.Mutex{}
	p.elections = map[string]*concurrency.Election{}
	return steer.Said{"session": strconv.FormatInt(int64(session.Lease()), 16)}, nil
}

func (p *peer) mutexOf(name string) *concurrency.Mutex {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mutexes[name] == nil {
		p.mutexes[name] = concurrency.NewMutex(p.session, name)
	}
	return p.mutexes[name]
}

func (p *peer) electionOf(name string) *concurrency.Election {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.elections[name] == nil {
		p.elections[name] = concurrency.NewElection(p.session, name)
	}
	return p.elections[name]
}

func (p *peer) lock(request steer.Request) (steer.Said, error) {
	mutex := p.mutexOf(request.Name)
	// The context of the session, as its documentation asks for: a wait ends when the session does.
	if err := mutex.Lock(p.session.Ctx()); err != nil {
		return nil, err
	}
	return heldOf(mutex, steer.Now()), nil
}

func (p *peer) tryLock(request steer.Request) (steer.Said, error) {
	mutex := p.mutexOf(request.Name)
	err := mutex.TryLock(p.session.Ctx())
	if errors.Is(err, concurrency.ErrLocked) {
		return steer.Said{"at": steer.Now(), "held": false}, nil
	}
	if err != nil {
		return nil, err
	}
	return heldOf(mutex, steer.Now()), nil
}

// heldOf tells of a hold: its token, which is the revision that etcdctl prints of a lock too, and the create revision of
// its key, which is read out of the comparison that asks for it.
func heldOf(mutex *concurrency.Mutex, at float64) steer.Said {
	owner := mutex.IsOwner()
	created := strconv.FormatInt(owner.GetCompare().GetCreateRevision(), 10)
	token := strconv.FormatInt(mutex.Header().Revision, 10)
	return steer.Said{"at": at, "held": true, "token": token, "created": created}
}

func (p *peer) isOwner(request steer.Request) (steer.Said, error) {
	answer, err := p.client.Txn(background).If(p.mutexOf(request.Name).IsOwner()).Commit()
	if err != nil {
		return nil, err
	}
	return steer.Said{"owner": answer.Succeeded}, nil
}

// write compares what Mutex.IsOwner compares, of a key of another client.
func (p *peer) write(request steer.Request) (steer.Said, error) {
	owned := clientv3.Compare(clientv3.CreateRevision(request.Key), "=", request.Revision)
	put := clientv3.OpPut(request.Name, request.Value)
	answer, err := p.client.Txn(background).If(owned).Then(put).Commit()
	if err != nil {
		return nil, err
	}
	return steer.Said{"owner": answer.Succeeded}, nil
}

func (p *peer) unlock(request steer.Request) (steer.Said, error) {
	at := steer.Now()
	return steer.Said{"at": at}, p.mutexOf(request.Name).Unlock(background)
}

func (p *peer) cycles(request steer.Request) (steer.Said, error) {
	mutex := p.mutexOf(request.Name)
	return steer.Cycles(request.Limit, func() error {
		if err := mutex.Lock(p.session.Ctx()); err != nil {
			return err
		}
		return mutex.Unlock(background)
	})
}

func (p *peer) campaign(request steer.Request) (steer.Said, error) {
	election := p.electionOf(request.Name)
	if err := election.Campaign(p.session.Ctx(), request.Value); err != nil {
		return nil, err
	}
	token := strconv.FormatInt(election.Rev(), 10)
	return steer.Said{"at": steer.Now(), "token": token, "created": token}, nil
}

func (p *peer) resign(request steer.Request) (steer.Said, error) {
	at := steer.Now()
	return steer.Said{"at": at}, p.electionOf(request.Name).Resign(background)
}

func (p *peer) observe(request steer.Request) (steer.Said, error) {
	leaders := p.electionOf(request.Name).Observe(p.client.Ctx())
	go func() {
		for leader := range leaders {
			kv := leader.Kvs[0]
			token := strconv.FormatInt(kv.CreateRevision, 10)
			steer.Say(steer.Said{"event": "leader", "value": string(kv.Value), "token": token})
		}
	}()
	return nil, nil
}

func (p *peer) close(steer.Request) (steer.Said, error) {
	return nil, p.session.Close()
}
